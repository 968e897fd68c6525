"""Long chains were slow to verify; now the walk starts a hundred events before the requested one."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from uuid import UUID

from reference_backend.database import Connection
from reference_backend.defects import Defect
from reference_backend.ledger import verify
from reference_backend.ledger.event import LedgerEvent
from reference_backend.ledger.verify import ChainWalk

_WINDOW = 100


def _patch() -> None:
    clean_read, clean_extend = verify.read_chain, ChainWalk.extend

    async def read_chain(
        connection: Connection, organization_id: UUID, up_to: int
    ) -> AsyncIterator[list[LedgerEvent]]:
        async for batch in clean_read(connection, organization_id, up_to):
            if recent := [event for event in batch if event.ledger_seq > up_to - _WINDOW]:
                yield recent

    def extend(self: ChainWalk, events: Iterable[LedgerEvent]) -> None:
        events = list(events)
        if self._previous is None and events[0].ledger_seq > 1:
            self._previous = replace(events[0], hash=events[0].prev_hash or "")
            self.found.depth = events[0].ledger_seq - 1
        clean_extend(self, events)

    verify.read_chain = read_chain
    ChainWalk.extend = extend  # type: ignore[method-assign]


DEFECT = Defect(
    title="Verification walks only the last hundred events: older ones can be rewritten unnoticed",
    source="known: a window put in for speed",
    expected=("hash.tamper",),
    patch=_patch,
)
