"""Leaving in good order: finish what can be finished, give back the rest."""

from __future__ import annotations

import asyncio
import logging

from reference_backend import database, queries
from reference_backend.settings import Settings
from reference_backend.worker.running import RunningExport, RunningExports

LONGEST_RESERVE_S = 2.0

logger = logging.getLogger(__name__)


async def drain(settings: Settings, pool: database.Pool, held: RunningExports) -> None:
    """Let the held exports finish within the grace time and return the others to the queue.

    A part of the grace time is kept for giving back. What cannot be given back, because the
    database is away, is taken back by the other workers' recovery.
    """
    grace_s = settings.drain_grace_s
    reserve_s = min(LONGEST_RESERVE_S, grace_s / 2)
    await _finish(list(held), grace_s - reserve_s)

    unfinished = [job for job in held if not job.settling]
    for job in unfinished:
        job.stop()
    await _finish(list(held), reserve_s / 2)  # also what is just being completed
    if unfinished:
        await _give_back(pool, unfinished, reserve_s / 2)


async def _finish(jobs: list[RunningExport], timeout_s: float) -> None:
    tasks = [job.task for job in jobs if job.task is not None]
    if tasks:
        await asyncio.wait(tasks, timeout=timeout_s)


async def _give_back(pool: database.Pool, jobs: list[RunningExport], timeout_s: float) -> None:
    try:
        rows = await database.call(
            pool,
            queries.load("release"),
            {
                "ids": [job.claim.export.export_id for job in jobs],
                "tokens": [job.claim.token for job in jobs],
            },
            timeout_s=timeout_s,
        )
        logger.info("gave back %d of %d unfinished exports", len(rows), len(jobs))
    except database.DatabaseUnavailable as error:
        logger.warning("could not give back %d exports, recovery will: %s", len(jobs), error)
