"""Draining: finish the exports that can be finished, release the others."""

from __future__ import annotations

import asyncio
import logging

from reference_backend import database
from reference_backend.settings import Settings
from reference_backend.worker.running import RunningExport, RunningExports, ids_and_tokens

LONGEST_RESERVE_S = 2.0

logger = logging.getLogger(__name__)


async def drain(settings: Settings, pool: database.Pool, running: RunningExports) -> None:
    """Let running exports finish within the grace time and return the others to the queue.

    A part of the grace time is reserved for releasing. What cannot be released, because the
    database is unavailable, is taken back by the recovery of other workers.
    """
    grace_s = settings.drain_grace_s
    reserve_s = min(LONGEST_RESERVE_S, grace_s / 2)
    await _finish(running, grace_s - reserve_s)

    unfinished = [export for export in running.values() if not export.completing]
    for export in unfinished:
        export.stop()
    await _finish(running, reserve_s / 2)  # also those that are being completed
    if unfinished:
        await _release(pool, unfinished, reserve_s / 2)


async def _finish(running: RunningExports, timeout_s: float) -> None:
    tasks = [export.task for export in running.values() if export.task is not None]
    if tasks:
        await asyncio.wait(tasks, timeout=timeout_s)


async def _release(pool: database.Pool, exports: list[RunningExport], timeout_s: float) -> None:
    tokens = ids_and_tokens(export.claim for export in exports)
    try:
        rows = await database.call(pool, "release", timeout_s=timeout_s, **tokens)
        logger.info("released %d of %d unfinished exports", len(rows), len(exports))
    except database.DatabaseUnavailable as error:
        logger.warning("could not release %d exports, recovery will: %s", len(exports), error)
