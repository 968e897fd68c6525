"""Changes of one event of a ledger, and what verification must answer for each."""

import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from contracts.shared.ledger.canonical_json import JsonValue, canonical_text, parse
from contracts.shared.ledger.hash_chain import StoredEvent
from contracts.shared.resources import json_changes
from harness.untrusted.json_pointers import pointer

Changes = Mapping[str, str | int | None]
"""New values of columns as text, by the contract's names of the columns."""

NESTED: dict[str, JsonValue] = {"shakedown": {"a": {"b": "forged"}}}
"""Adds a key at depth three."""


@dataclass(frozen=True, kw_only=True)
class Tampering:
    """One change of one event, with the flags that verification must answer for the event."""

    name: str
    changes: Changes
    hash_matches: bool = False
    prev_hash_valid: bool = True

    @property
    def case(self) -> str:
        """What is changed, without the names that a backend gives to its metadata."""
        pointer, _, how = self.name.rpartition(" ")
        if not pointer.startswith("metadata/"):
            return self.name
        return f"metadata, a value at depth {pointer.count('/')} {how}"

    @property
    def kind(self) -> str:
        """The names of the changed columns."""
        return " and ".join(sorted(self.changes))

    @property
    def changes_links(self) -> bool:
        """Whether the hash or the link was changed, so that events beside it are judged, too."""
        return "hash" in self.changes or "prev_hash" in self.changes

    @property
    def breaks_next_link(self) -> bool:
        """Whether the next event's `prev_hash` is wrong for certain.

        Where only contents or only the hash were changed, that depends on whether a backend
        compares it with the stored hash or the recomputed one. The contract allows both.
        """
        return "hash" in self.changes and len(self.changes) > 1


def field_tamperings(event: StoredEvent, chain: Sequence[StoredEvent] = ()) -> Iterator[Tampering]:
    """Another plausible value of each column except number, time and metadata, hashed or not.

    Words are those of other events in the chain, where there are others: a table may know no more.
    """
    names = {"evidence.sealed": "export.requested"}
    name = names.get(event.fields["event_name"] or "", "evidence.sealed")
    kind = "export" if event.fields["target_type"] == "evidence" else "evidence"
    for column, value in {
        "actor_id": str(uuid.uuid4()),
        "event_name": _another(event, chain, "event_name") or name,
        "target_type": _another(event, chain, "target_type") or kind,
        "target_id": str(uuid.uuid4()),
    }.items():
        yield Tampering(name=column, changes={column: value})
    yield Tampering(name="hash", changes={"hash": (event.hash or "")[::-1]})


def _another(event: StoredEvent, chain: Sequence[StoredEvent], column: str) -> str | None:
    """What another event has in a column."""
    found = {other.fields[column] for other in chain} - {event.fields[column], None}
    return min(filter(None, found), default=None)


def link_tamperings(
    event: StoredEvent, salts: Mapping[str, str], *, empty_link: str | None
) -> Iterator[Tampering]:
    """Broken links and forged hashes, made with and without the salt.

    `empty_link` is the stored `prev_hash` of a first event.
    """
    elsewhere = hashlib.sha256(b"elsewhere").hexdigest()
    yield Tampering(name="prev_hash", changes={"prev_hash": elsewhere}, prev_hash_valid=False)
    for name, link in (("another hash", elsewhere), ("nothing", empty_link)):
        if link == event.prev_hash:
            continue
        relinked = replace(event, prev_hash=link)
        yield Tampering(
            name=f"linked to {name}, hashed anew with the salt",
            changes={"prev_hash": link, "hash": relinked.expected_hash(salts)},
            hash_matches=True,
            prev_hash_valid=False,
        )
    forged = event.with_metadata(with_nested_key(event.metadata))
    unlinked = replace(forged, prev_hash=None)
    for name, digest in (
        ("without the salt", forged.hashed(event.prev_hash, "")),
        ("without the link", unlinked.expected_hash(salts)),
    ):
        if digest == forged.expected_hash(salts):
            continue  # a first event has no link, and some hashes have no salt
        yield Tampering(
            name=f"metadata, hashed anew {name}",
            changes={"metadata": forged.metadata, "hash": digest},
        )
    yield Tampering(
        name="metadata, hashed anew with the salt",
        changes={"metadata": forged.metadata, "hash": forged.expected_hash(salts)},
        hash_matches=True,
    )


def metadata_tamperings(event: StoredEvent) -> Iterator[Tampering]:
    """Every value of the metadata changed, each nested one removed, and a key added."""
    metadata = parse(event.metadata or "{}")
    for path in json_changes.leaves(metadata):
        ways = {"changed": json_changes.changed(metadata, path)}
        if len(path) > 1:
            ways["removed"] = json_changes.without(metadata, path)
        for what, forged in ways.items():
            yield Tampering(
                name=f"metadata{pointer(path)} {what}",
                changes={"metadata": canonical_text(forged)},
            )
    yield Tampering(
        name="metadata, a key at depth three added",
        changes={"metadata": with_nested_key(event.metadata)},
    )


def with_nested_key(metadata: str | None) -> str:
    """The same metadata with one more key at depth three."""
    document = parse(metadata or "{}")
    known = document if isinstance(document, dict) else {}
    return canonical_text({**known, **NESTED})
