"""Draining: finish the exports that can be finished, release the others.

The grace time begins with the signal to stop, whatever the worker waits for at that moment.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable

import psycopg

from reference_backend import database
from reference_backend.settings import Settings
from reference_backend.worker.periodic import Backoff
from reference_backend.worker.running import Claim, RunningExports, ids_and_tokens

LONGEST_RESERVE_S = 2.0

logger = logging.getLogger(__name__)


class Grace:
    """The time between the signal to stop and the exit; a part of it is reserved for releasing."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._reserve_s = min(LONGEST_RESERVE_S, settings.drain_grace_s / 2)
        self._ends = float("inf")

    def begin(self) -> None:
        """The signal came. A second one does not give more time."""
        self._ends = min(
            self._ends, asyncio.get_running_loop().time() + self.settings.drain_grace_s
        )

    def left_s(self, *, reserved: float) -> float:
        """Seconds that may be waited if this share of the reserve has to be left, at least 0."""
        now = asyncio.get_running_loop().time()
        return max(self._ends - now - self._reserve_s * reserved, 0.0)


async def drain(running: RunningExports, grace: Grace, completing: asyncio.Task[None]) -> None:
    """Let running exports finish within the grace time and return all others to the queue.

    Also those whose completion the database has not answered: ``completing`` sends them and is
    canceled. If one was committed, its token is used up and releasing changes nothing. What cannot
    be released, because the database is unavailable, is taken back by the recovery of others.
    """
    await _finish(running, grace.left_s(reserved=1.0))
    unfinished = list(running.values())
    for export in unfinished:
        if not export.completing:
            export.stop()
    await _finish(running, grace.left_s(reserved=0.5))
    if running:
        completing.cancel()
        await asyncio.wait({completing}, timeout=grace.left_s(reserved=0.4))
    claims = [export.claim for export in unfinished if not export.ended]
    if claims or running.abandoned:
        await _release([*claims, *running.abandoned], grace)


async def _finish(running: RunningExports, timeout_s: float) -> None:
    tasks = [export.task for export in running.values() if export.task is not None]
    if tasks:
        await asyncio.wait(tasks, timeout=timeout_s)


async def _release(claims: Collection[Claim], grace: Grace) -> None:
    backoff = Backoff(longest_s=0.2)
    while left_s := grace.left_s(reserved=0.1):
        try:
            async with asyncio.timeout(left_s):
                await _release_once(claims, grace.settings)
        except (database.DatabaseUnavailable, psycopg.OperationalError, TimeoutError) as error:
            logger.warning("could not release %d exports: %s", len(claims), error)
            await backoff.pause()
        else:
            return
    logger.warning("recovery has to take %d exports back", len(claims))


async def _release_once(claims: Iterable[Claim], settings: Settings) -> None:
    # Not by the pool: while the database is away, it tries again ever more seldom.
    connection = await database.connect(settings, role="service_role")
    async with connection:
        rows = await database.fetch_all(connection, "release", **ids_and_tokens(claims))
    logger.info("released %d unfinished exports", len(rows))
