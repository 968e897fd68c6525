"""Taking back what dead workers hold, and tidying up after them. Every worker does it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from reference_backend import database, queries
from reference_backend.metrics import WorkerMetrics
from reference_backend.settings import Settings
from reference_backend.storage.interface import Storage

ORPHAN_AGE_S = 60.0
PRUNE_EVERY_S = 3600.0

logger = logging.getLogger(__name__)


class Sweeper:
    """One sweep at a time, each complete in itself: no leader whose death would end recovery."""

    def __init__(
        self,
        settings: Settings,
        pool: database.Pool,
        storage: Storage,
        metrics: WorkerMetrics,
        wake: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._storage = storage
        self._metrics = metrics
        self._wake = wake
        self._next_tidying = 0.0
        self._next_pruning = 0.0

    async def sweep(self) -> None:
        """Take back stuck exports; every now and then remove litter.

        Raises DatabaseUnavailable or StorageUnavailable.
        """
        rows = await database.call(
            self._pool,
            queries.load("recover"),
            {"stuck_timeout_s": self._settings.stuck_timeout_s},
        )
        for row in rows:
            logger.warning(
                "export %s gave no sign of life for %g s in attempt %d: %s",
                row["id"],
                self._settings.stuck_timeout_s,
                row["attempt"],
                row["state"],
            )
        if rows:
            self._metrics.reclaims.inc(len(rows))
            self._wake()
        await self._tidy()

    async def _tidy(self) -> None:
        now = time.monotonic()
        if now >= self._next_tidying:
            self._next_tidying = now + ORPHAN_AGE_S
            removed = await self._storage.remove_orphans(older_than_s=ORPHAN_AGE_S)
            if removed:
                logger.warning("removed %d unfinished objects of writers that died", removed)
        if now >= self._next_pruning:
            self._next_pruning = now + PRUNE_EVERY_S
            await database.call(self._pool, queries.load("prune"), {})
