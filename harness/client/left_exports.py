"""Exports that a check has requested and does not wait for, on a backend that is slow to make them.

They would keep its workers busy for minutes while later checks wait for theirs: they are canceled
when the check is over.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from harness.errors import CheckFailed, Inconclusive

WITHIN_S = 20.0
"""How long all of it may take: what is still live then is left alone."""

AT_ONCE = 8

Cancel = Callable[[], Awaitable[object]]


@dataclass(kw_only=True)
class LeftExports:
    """What was requested, each with the call that cancels it."""

    _live: dict[str, Cancel] = field(default_factory=dict)

    def note(self, export_id: str, cancel: Cancel) -> None:
        """An export was accepted."""
        self._live[export_id] = cancel

    def forget(self, export_id: str) -> None:
        """An export has ended."""
        self._live.pop(export_id, None)

    async def cancel(self) -> None:
        """Cancel what is left. What the backend answers is no finding: the check is over."""
        turns = asyncio.Semaphore(AT_ONCE)

        async def cancel_one(cancel: Cancel) -> None:
            async with turns:
                with contextlib.suppress(CheckFailed, Inconclusive):
                    await cancel()

        left, self._live = self._live, {}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WITHIN_S):
                await asyncio.gather(*map(cancel_one, left.values()))
