"""Changes of one event of a ledger, and what verification must answer for each."""

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from contracts.shared.ledger.canonical_json import JsonValue, canonical_text, parse
from contracts.shared.ledger.hash_chain import StoredEvent
from contracts.shared.resources import json_changes

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


def field_tamperings(event: StoredEvent) -> Iterator[Tampering]:
    """Another plausible value of each hashed column except number, time and metadata."""
    yield Tampering(name="actor_id", changes={"actor_id": str(uuid.uuid4())})
    names = {"evidence.sealed": "export.requested"}
    name = names.get(event.fields["event_name"] or "", "evidence.sealed")
    yield Tampering(name="event_name", changes={"event_name": name})
    kind = "export" if event.fields["target_type"] == "evidence" else "evidence"
    yield Tampering(name="target_type", changes={"target_type": kind})
    yield Tampering(name="target_id", changes={"target_id": str(uuid.uuid4())})
    yield Tampering(name="hash", changes={"hash": (event.hash or "")[::-1]})


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
    text, before, salt = forged.canonical(), event.prev_hash or "", salts[event.salt_key_id or ""]
    for name, hashed in (("without the salt", text + before), ("without the link", text + salt)):
        if not before and hashed == text + salt:
            continue
        digest = hashlib.sha256(hashed.encode()).hexdigest()
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
                name=f"metadata{json_changes.pointer(path)} {what}",
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
