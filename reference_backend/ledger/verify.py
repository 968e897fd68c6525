"""Verifying the chain: every hash is recomputed, every link compared, no number may be missing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from reference_backend.database import Connection, fetch_all, fetch_one
from reference_backend.ledger.event import LedgerEvent

BATCH = 500
REPORTED = 10


@dataclass(kw_only=True)
class Verification:
    """The findings of a walk from the first event to this one."""

    hash_matches: bool = False
    """The event's own hash is that of its contents."""
    prev_hash_valid: bool = False
    """The event names the hash of the event before it, or nothing if it is the first."""
    chain_ok: bool = False
    """Both hold for it and for every event before it, and none is missing."""
    depth: int = 0
    """How many events were walked."""
    broken_at: list[int] = field(default_factory=list)
    """The first few numbers where something is wrong."""


class ChainWalk:
    """Takes the events of one organization in order and notes what is wrong."""

    def __init__(self, salts: Mapping[str, str]) -> None:
        self._salts = salts
        self._previous: LedgerEvent | None = None
        self.found = Verification()

    def extend(self, events: Iterable[LedgerEvent]) -> None:
        """Continue with ``events``."""
        found = self.found
        for event in events:
            previous = self._previous
            found.depth += 1
            found.hash_matches = event.hash == event.expected_hash(self._salts)
            found.prev_hash_valid = event.prev_hash == (previous.hash if previous else None)
            sound = found.hash_matches and found.prev_hash_valid and event.ledger_seq == found.depth
            if not sound and len(found.broken_at) < REPORTED:
                found.broken_at.append(event.ledger_seq)
            found.chain_ok = not found.broken_at
            self._previous = event


async def read_event(connection: Connection, event_id: UUID) -> LedgerEvent | None:
    """One event, if the connection may see it."""
    row = await fetch_one(connection, "ledger_event", event_id=event_id)
    return LedgerEvent(**row) if row else None


async def read_chain(
    connection: Connection, organization_id: UUID, up_to: int
) -> AsyncIterator[list[LedgerEvent]]:
    """The chain from its first event to number ``up_to``, in batches."""
    after, full = 0, True
    while full:
        wanted = {"organization_id": organization_id, "after": after, "up_to": up_to}
        rows = await fetch_all(connection, "ledger_chain", limit=BATCH, **wanted)
        if rows:
            yield [LedgerEvent(**row) for row in rows]
            after = rows[-1]["ledger_seq"]
        full = len(rows) == BATCH


async def verify_event(
    connection: Connection, event: LedgerEvent, salts: Mapping[str, str]
) -> Verification:
    """Walk the chain of the event's organization up to this event."""
    walk = ChainWalk(salts)
    async for batch in read_chain(connection, event.organization_id, event.ledger_seq):
        await asyncio.to_thread(walk.extend, batch)  # a long chain must not block the event loop
    return walk.found
