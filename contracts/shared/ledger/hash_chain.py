"""The hash chain of an organization, recomputed from its stored rows."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from contracts.shared.ledger.canonical_json import JsonValue, parse
from contracts.shared.ledger.forks import Link, forks
from contracts.shared.ledger.hash_form import CONTRACT_FORM, HashForm
from harness.target.tables.ledger import CONTRACT_CHAIN, HASHED, ChainShape

FORK = "fork"
"""The field of a violation that says that a chain forks."""

_TEXTS = tuple(name for name in HASHED if name not in {"ledger_seq", "metadata"})


@dataclass(frozen=True, kw_only=True)
class StoredEvent:
    """One row of the ledger as it is stored."""

    id: str = ""
    ledger_seq: int
    """Its place in the chain: its number, or where events have none, its place in their order."""
    fields: Mapping[str, str | None]
    """The other hashed fields except `metadata`, as text; None is NULL."""
    metadata: str | None
    """The JSON text of the metadata."""
    prev_hash: str | None
    """In hex, as `hash`; or whatever a first event has."""
    hash: str | None
    salt_key_id: str | None
    others: Mapping[str, JsonValue] = field(default_factory=dict)
    """Further columns that a backend's text may hold, by the contract's name."""
    form: HashForm = CONTRACT_FORM
    """What of it is hashed."""
    hash_prefix: str = ""
    """`\\x` where its hashes are stored as a `bytea`, or as PostgreSQL writes one."""

    @property
    def name(self) -> str:
        """Its name in messages."""
        return f"ledger event {self.ledger_seq} ({self.fields['event_name']})"

    def with_metadata(self, metadata: str) -> "StoredEvent":
        """The same event with other metadata."""
        return replace(self, metadata=metadata)

    def stored(self, digest: str | None) -> str | None:
        """A hash as it would be stored in this row."""
        return f"{self.hash_prefix}{digest}" if digest else digest

    def canonical(self) -> str:
        """The text that is hashed: NULL as empty text, `created_at` as fixed UTC text."""
        own: dict[str, JsonValue] = dict(self.others) | dict(self.fields)
        own["ledger_seq"] = self.ledger_seq
        own["metadata"] = None if self.metadata is None else parse(self.metadata)
        own["prev_hash"] = self.stored(self.prev_hash)
        own["salt_key_id"] = self.salt_key_id
        return self.form.canonical(own)

    def expected_hash(self, salts: Mapping[str, str]) -> str:
        """`sha256(canonical || prev_hash || salt)` in hex. `KeyError` when the salt is unknown."""
        return self.hashed(self.prev_hash, salts[self.salt_key_id or ""])

    def hashed(self, prev_hash: str | None, salt: str) -> str:
        """The hash that it would have with this link and this salt, in hex."""
        text = self.form.hashed(self.canonical(), prev_hash or "", salt)
        return hashlib.sha256(text).hexdigest()

    def has_right_hash(self, salts: Mapping[str, str]) -> bool:
        """Whether its hash is that of what it says, in small letters or capitals."""
        return (self.hash or "").lower() == self.expected_hash(salts)


@dataclass(frozen=True)
class ChainViolation:
    """One thing that is wrong with a chain."""

    ledger_seq: int
    field: str
    """`ledger_seq`, `prev_hash`, `salt_key_id` or `hash`, or `fork`."""
    expected: str
    got: str


def violations(
    events: Iterable[StoredEvent], salts: Mapping[str, str], shape: ChainShape = CONTRACT_CHAIN
) -> list[ChainViolation]:
    """Walk one organization's chain and give everything wrong with it, in chain order.

    Forks come first: what else is wrong may follow from them. The events may be in any order.
    `KeyError` when a salt is unknown.
    """
    chain = in_order(events, shape)
    found = [
        ChainViolation(chain[fork.at].ledger_seq, FORK, fork.expected, fork.got)
        for fork in forks([_link(event, shape) for event in chain], shape)
    ]
    previous: StoredEvent | None = None
    for event in chain:
        if shape.is_numbered:
            found += _number(event, previous, shape)
        found += _event(event, previous, salts, shape)
        previous = event
    return found


def in_order(events: Iterable[StoredEvent], shape: ChainShape) -> list[StoredEvent]:
    """Give events in the order of the chain; at one place, in that of their links."""
    ordered: list[StoredEvent] = []
    by_place = sorted(events, key=lambda event: event.ledger_seq)
    for _, at_one_place in groupby(by_place, key=lambda event: event.ledger_seq):
        left = list(at_one_place)
        while left:
            head = ordered[-1].hash if ordered else shape.genesis
            following = (each for each in left if (each.prev_hash or "") == (head or ""))
            event = next(following, left[0])
            left.remove(event)
            ordered.append(event)
    return ordered


def _link(event: StoredEvent, shape: ChainShape) -> Link:
    return Link(
        name=event.name,
        number=event.ledger_seq if shape.is_numbered else None,
        prev_hash=event.prev_hash or "",
        hash=event.hash or "",
    )


def _number(
    event: StoredEvent, previous: StoredEvent | None, shape: ChainShape
) -> Iterator[ChainViolation]:
    """A number that is missing. One that stands twice is a fork."""
    seq, before = event.ledger_seq, previous.ledger_seq if previous else 0
    if shape.is_counted and seq > before + 1:
        expected = f"ledger_seq without gaps or forks, here {before + 1}"
        yield ChainViolation(seq, "ledger_seq", expected, f"{seq} (a gap)")
    if seq <= 0:
        yield ChainViolation(seq, "ledger_seq", "ledger_seq from 1 on", str(seq))


def _event(
    event: StoredEvent, previous: StoredEvent | None, salts: Mapping[str, str], shape: ChainShape
) -> Iterator[ChainViolation]:
    seq, before = event.ledger_seq, (previous.hash if previous else shape.genesis) or ""
    if (event.prev_hash or "") != before:
        expected = f"prev_hash of {event.name}, the hash of the event before: {before or 'nothing'}"
        yield ChainViolation(seq, "prev_hash", expected, event.prev_hash or "nothing")
    if event.salt_key_id is None:
        expected = f"the key id of its salt in {event.name}"
        yield ChainViolation(seq, "salt_key_id", expected, "NULL")
    elif not event.has_right_hash(salts):
        expected = (
            f"hash of {event.name}, sha256({_spelled(event.form)}): "
            f"{event.expected_hash(salts)}, canonical {event.canonical()!r}"
        )
        yield ChainViolation(seq, "hash", expected, event.hash or "NULL")


def _spelled(form: HashForm) -> str:
    return "canonical || prev_hash || salt" if form == CONTRACT_FORM else form.template


def stored_event(
    row: Mapping[str, Any], form: HashForm = CONTRACT_FORM, *, only_key: str | None = None
) -> StoredEvent:
    """Build an event from a row: `id` and `canonical_version` as JSON, the others as text.

    `only_key` is the key id of every salt where rows do not say which one they have.
    """
    digest, link = row["hash"], row["prev_hash"]
    prefix = "\\x" if (digest or "").startswith("\\x") else ""
    others = {name: parse(row[name]) if row[name] else None for name in ("id", "canonical_version")}
    return StoredEvent(
        id=str(others["id"]),
        ledger_seq=int(row["ledger_seq"]),
        fields={name: row[name] for name in _TEXTS},
        metadata=row["metadata"],
        prev_hash=link.removeprefix(prefix) if link else link,
        hash=digest.removeprefix(prefix) if digest else digest,
        salt_key_id=row["salt_key_id"] if only_key is None else only_key,
        others=others,
        form=form,
        hash_prefix=prefix,
    )
