"""The hash chain of an organization, computed again from what its rows say."""

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
"""What the contract's canonical form is made of; `jsonb` decides their order."""


@dataclass(frozen=True, kw_only=True)
class StoredEvent:
    """One row of the ledger as it is stored."""

    ledger_seq: int
    fields: Mapping[str, str | None]
    """The other hashed fields as text, `metadata` excepted; None is NULL."""
    metadata: str | None
    """The JSON text of the metadata."""
    prev_hash: str | None
    hash: str
    salt_key_id: str

    @property
    def name(self) -> str:
        """How a message speaks of it."""
        return f"ledger event {self.ledger_seq} ({self.fields['event_name']})"

    def with_metadata(self, metadata: str) -> "StoredEvent":
        """The same event with other metadata, for asking what its canonical text would be."""
        return replace(self, metadata=metadata)

    def canonical(self) -> str:
        """The canonical text: NULLs as empty text, `created_at` as its fixed UTC text."""
        document: dict[str, JsonValue] = {
            name: "" if value is None else value for name, value in self.fields.items()
        }
        document["ledger_seq"] = self.ledger_seq
        document["metadata"] = "" if self.metadata is None else parse(self.metadata)
        return canonical_text({name: document[name] for name in HASHED_FIELDS})

    def expected_hash(self, salts: Mapping[str, str]) -> str:
        """`sha256(canonical || prev_hash || salt)` in hex. `KeyError` without the salt."""
        text = self.canonical() + (self.prev_hash or "") + salts[self.salt_key_id]
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class ChainViolation:
    """One thing that is wrong with a chain."""

    ledger_seq: int
    expected: str
    got: str


def breaches(events: Iterable[StoredEvent], salts: Mapping[str, str]) -> list[ChainViolation]:
    """Walk one organization's chain and give everything wrong with it, in its order.

    The events may come in any order. A salt that is not known raises `KeyError`.
    """
    found: list[ChainViolation] = []
    previous: StoredEvent | None = None
    for event in sorted(events, key=lambda event: event.ledger_seq):
        due = previous.ledger_seq + 1 if previous else 1
        if event.ledger_seq != due:
            kind = "a fork: that number is taken" if event.ledger_seq < due else "a gap"
            found.append(
                ChainViolation(
                    ledger_seq=event.ledger_seq,
                    expected=f"ledger_seq 1, 2, 3 … without gaps or forks, so {due} here",
                    got=f"{event.ledger_seq} ({kind})",
                )
            )
        before = previous.hash if previous else ""
        if (event.prev_hash or "") != before:
            found.append(
                ChainViolation(
                    ledger_seq=event.ledger_seq,
                    expected=f"the prev_hash of {event.name} to be the hash of the event before, "
                    f"{before or 'nothing'}",
                    got=event.prev_hash or "nothing",
                )
            )
        if event.hash != event.expected_hash(salts):
            found.append(
                ChainViolation(
                    ledger_seq=event.ledger_seq,
                    expected=f"the hash of {event.name} to be "
                    f"sha256(canonical || prev_hash || salt) = {event.expected_hash(salts)} over "
                    f"{event.canonical()!r}",
                    got=event.hash,
                )
            )
        previous = event
    return found


def stored_event(row: Mapping[str, Any]) -> StoredEvent:
    """Build an event from a row whose columns, `ledger_seq` excepted, were read as text."""
    text_fields = (name for name in HASHED_FIELDS if name not in {"ledger_seq", "metadata"})
    return StoredEvent(
        ledger_seq=int(row["ledger_seq"]),
        fields={name: row[name] for name in text_fields},
        metadata=row["metadata"],
        prev_hash=row["prev_hash"],
        hash=row["hash"],
        salt_key_id=row["salt_key_id"],
    )
