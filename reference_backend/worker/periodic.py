"""Repeating a step at an interval, also after errors."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection

from reference_backend.database import DatabaseUnavailable
from reference_backend.storage.objects import StorageUnavailable

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 2.0

logger = logging.getLogger(__name__)


class Backoff:
    """Growing pauses between attempts."""

    def __init__(self, longest_s: float = LONGEST_PAUSE_S) -> None:
        self._longest_s = longest_s
        self._pause_s = min(FIRST_PAUSE_S, longest_s)

    async def pause(self) -> None:
        """Wait, longer each time."""
        await asyncio.sleep(self._pause_s)
        self._pause_s = min(self._pause_s * 2, self._longest_s)

    def reset(self) -> None:
        """Start again with the shortest pause."""
        self._pause_s = min(FIRST_PAUSE_S, self._longest_s)


def log_failure(what: str, error: Exception) -> None:
    """Log a failed step: an outage in one line, any other error with its traceback."""
    if isinstance(error, DatabaseUnavailable | StorageUnavailable):
        logger.warning("%s failed, will try again: %s", what, error)
    else:
        logger.error("%s failed, will try again", what, exc_info=error)


async def cancel_all(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel tasks until they have ended.

    Canceling once is not enough: before Python 3.12 `asyncio.wait_for`, which the connection pool
    uses, loses a cancellation that arrives at the same moment as the awaited result.
    """
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=0.1)


async def every(interval_s: float, step: Callable[[], Awaitable[None]], what: str) -> None:
    """Run ``step`` every ``interval_s`` seconds forever; errors are logged."""
    backoff = Backoff(interval_s)
    while True:
        try:
            await step()
        except Exception as error:
            log_failure(what, error)
            await backoff.pause()
        else:
            backoff.reset()
            await asyncio.sleep(interval_s)
