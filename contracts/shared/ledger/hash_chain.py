"""The hash chain of an organization, recomputed from its stored rows."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from contracts.shared.ledger.canonical_json import JsonValue, canonical_text, parse

HASHED_FIELDS = (
    "ledger_seq",
    "organization_id",
    "actor_id",
    "event_name",
    "target_type",
    "target_id",
    "created_at",
    "metadata",
)
"""The fields of the contract's canonical form; `jsonb` decides their order."""


@dataclass(frozen=True, kw_only=True)
class StoredEvent:
    """One row of the ledger as it is stored."""

    ledger_seq: int
    fields: Mapping[str, str | None]
    """The other hashed fields except `metadata`, as text; None is NULL."""
    metadata: str | None
    """The JSON text of the metadata."""
    prev_hash: str | None
    hash: str | None
    salt_key_id: str | None

    @property
    def name(self) -> str:
        """Its name in messages."""
        return f"ledger event {self.ledger_seq} ({self.fields['event_name']})"

    def with_metadata(self, metadata: str) -> "StoredEvent":
        """The same event with other metadata."""
        return replace(self, metadata=metadata)

    def canonical(self) -> str:
        """The canonical text: NULL as empty text, `created_at` as fixed UTC text."""
        document: dict[str, JsonValue] = {
            name: "" if value is None else value for name, value in self.fields.items()
        }
        document["ledger_seq"] = self.ledger_seq
        document["metadata"] = "" if self.metadata is None else parse(self.metadata)
        return canonical_text({name: document[name] for name in HASHED_FIELDS})

    def expected_hash(self, salts: Mapping[str, str]) -> str:
        """`sha256(canonical || prev_hash || salt)` in hex. `KeyError` when the salt is unknown."""
        text = self.canonical() + (self.prev_hash or "") + salts[self.salt_key_id or ""]
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class ChainViolation:
    """One thing that is wrong with a chain."""

    ledger_seq: int
    field: str
    """`ledger_seq`, `prev_hash`, `salt_key_id` or `hash`."""
    expected: str
    got: str


def violations(events: Iterable[StoredEvent], salts: Mapping[str, str]) -> list[ChainViolation]:
    """Walk one organization's chain and give everything wrong with it, in chain order.

    The events may be in any order. `KeyError` when a salt is unknown.
    """
    found: list[ChainViolation] = []
    previous: StoredEvent | None = None
    for event in sorted(events, key=lambda event: event.ledger_seq):
        seq = event.ledger_seq
        next_seq = previous.ledger_seq + 1 if previous else 1
        if seq != next_seq:
            kind = "a fork, the number is taken" if seq < next_seq else "a gap"
            expected = f"ledger_seq without gaps or forks, here {next_seq}"
            found.append(ChainViolation(seq, "ledger_seq", expected, f"{seq} ({kind})"))
        before = (previous.hash if previous else None) or ""
        if (event.prev_hash or "") != before:
            expected = (
                f"prev_hash of {event.name}, the hash of the event before: {before or 'nothing'}"
            )
            got = event.prev_hash or "nothing"
            found.append(ChainViolation(seq, "prev_hash", expected, got))
        if event.salt_key_id is None:
            expected = f"the key id of its salt in {event.name}"
            found.append(ChainViolation(seq, "salt_key_id", expected, "NULL"))
        elif event.hash != event.expected_hash(salts):
            expected = (
                f"hash of {event.name}, sha256(canonical || prev_hash || salt): "
                f"{event.expected_hash(salts)}, canonical {event.canonical()!r}"
            )
            found.append(ChainViolation(seq, "hash", expected, event.hash or "NULL"))
        previous = event
    return found


def stored_event(row: Mapping[str, Any]) -> StoredEvent:
    """Build an event from a row whose columns except `ledger_seq` were read as text."""
    text_fields = (name for name in HASHED_FIELDS if name not in {"ledger_seq", "metadata"})
    return StoredEvent(
        ledger_seq=int(row["ledger_seq"]),
        fields={name: row[name] for name in text_fields},
        metadata=row["metadata"],
        prev_hash=row["prev_hash"],
        hash=row["hash"],
        salt_key_id=row["salt_key_id"],
    )
