"""A client that notices when an instance is away, and for how long."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from chaos.faults.outside import ItsPort
from chaos.faults.proof import FaultNotShown
from harness.system import Instance
from harness.waiting import becomes_true

NOTICED_WITHIN_S = 2.0
"""How long it may take until a client that asks all the time is refused."""

_POLL_S = 0.005


@dataclass(kw_only=True)
class Absence:
    """Asks an instance over and over while it is `watched`."""

    victim: Instance
    seen_by: ItsPort
    refused: int = 0
    """How often a connection was refused."""
    away_s: float = 0.0
    """From the first refusal to the last."""
    _since: float = field(default=0.0, repr=False)

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Ask for as long as the block lasts."""
        task = asyncio.ensure_future(self._ask())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def seen(self) -> None:
        """Wait until a connection was refused, or long enough for that."""
        await becomes_true(lambda: self.refused, NOTICED_WITHIN_S, poll_s=_POLL_S)

    async def ended(self) -> str:
        """See that it was away and is back. Raises `FaultNotShown`."""
        if not self.refused:
            raise FaultNotShown(
                f"{self.victim.name} was restarted, but no client was ever refused at "
                f"{self.victim.base_url}: something else listens there"
            )
        back = await self.seen_by.answers(self.victim)
        away = f"refused {self.refused} connections in {self.away_s:.2f} s"
        return f"{self.victim.base_url} {away}, then {back}"

    async def _ask(self) -> None:
        while True:
            if await self.seen_by.refuses(self.victim):
                now = time.monotonic()
                self._since = self._since or now
                self.refused, self.away_s = self.refused + 1, now - self._since
            await asyncio.sleep(_POLL_S)
