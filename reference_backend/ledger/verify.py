"""Walking the chain: every hash recomputed, every link compared, no number left out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from reference_backend import queries
from reference_backend.database import Connection
from reference_backend.ledger.event import LedgerEvent

BATCH = 500


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What the walk from the first event to this one found."""

    hash_matches: bool
    """The event's own hash is that of its contents."""
    prev_hash_valid: bool
    """The event names the hash of the event before it, or nothing if it is the first."""
    chain_ok: bool
    """Both hold for it and for every event before it, and none is missing."""
    depth: int
    """How many events were walked."""
    broken_at: tuple[int, ...] = ()
    """The numbers where something is wrong, the first few."""


class ChainWalk:
    """Takes the events of one organization in order and notes what does not hold."""

    REPORTED = 10

    def __init__(self, salts: Mapping[str, str]) -> None:
        self._salts = salts
        self._previous: LedgerEvent | None = None
        self.depth = 0
        self.broken_at: list[int] = []
        self.hash_matches = False
        self.prev_hash_valid = False
        self.chain_ok = True

    def extend(self, events: Iterable[LedgerEvent]) -> None:
        """Walk on along ``events``."""
        for event in events:
            previous = self._previous
            self.depth += 1
            self.hash_matches = event.hash == event.expected_hash(self._salts)
            self.prev_hash_valid = event.prev_hash == (previous.hash if previous else None)
            if not (self.hash_matches and self.prev_hash_valid and event.ledger_seq == self.depth):
                self.chain_ok = False
                self.broken_at.append(event.ledger_seq)
            self._previous = event

    def result(self) -> Verification:
        """What was found about the last event walked, and about the chain up to it."""
        return Verification(
            hash_matches=self.hash_matches,
            prev_hash_valid=self.prev_hash_valid,
            chain_ok=self.chain_ok and self.depth > 0,
            depth=self.depth,
            broken_at=tuple(self.broken_at[: self.REPORTED]),
        )


async def read_event(connection: Connection, event_id: UUID) -> LedgerEvent | None:
    """One event, if the connection may see it."""
    cursor = await connection.execute(queries.load("ledger_event"), {"event_id": event_id})
    row = await cursor.fetchone()
    return LedgerEvent.from_row(row) if row else None


async def read_chain(
    connection: Connection, organization_id: UUID, up_to: int
) -> AsyncIterator[list[LedgerEvent]]:
    """The chain from its first event to number ``up_to``, in batches."""
    after = 0
    while True:
        cursor = await connection.execute(
            queries.load("ledger_chain"),
            {"organization_id": organization_id, "after": after, "up_to": up_to, "limit": BATCH},
        )
        batch = [LedgerEvent.from_row(row) async for row in cursor]
        if batch:
            yield batch
            after = batch[-1].ledger_seq
        if len(batch) < BATCH:
            return


async def verify_event(
    connection: Connection, event: LedgerEvent, salts: Mapping[str, str]
) -> Verification:
    """Walk the chain of the event's organization up to this event."""
    walk = ChainWalk(salts)
    async for batch in read_chain(connection, event.organization_id, event.ledger_seq):
        await asyncio.to_thread(walk.extend, batch)  # a long chain must not stop the event loop
    return walk.result()
