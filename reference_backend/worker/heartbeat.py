"""Signs of life for what this worker holds, and the news of what it holds no more."""

from __future__ import annotations

import logging

from reference_backend import database, queries
from reference_backend.settings import Settings
from reference_backend.worker.running import RunningExports

logger = logging.getLogger(__name__)


class Heartbeat:
    """Beats for all held exports in one statement, and without any for the worker itself."""

    def __init__(self, settings: Settings, pool: database.Pool, held: RunningExports) -> None:
        self._settings = settings
        self._pool = pool
        self._running = held

    async def beat(self) -> None:
        """One heartbeat. Stops the work on exports whose token has become stale.

        Raises DatabaseUnavailable; then nothing is known, and the work goes on: whether it counts
        is decided by the token when it is completed.
        """
        jobs = list(self._running)
        rows = await database.call(
            self._pool,
            queries.load("heartbeat"),
            {
                "worker": self._settings.worker_name,
                "ids": [job.claim.export.export_id for job in jobs],
                "tokens": [job.claim.token for job in jobs],
                "progress": [job.progress for job in jobs],
            },
            # Not longer than a lease can bear: a connection that hangs must not cost us the export.
            timeout_s=min(self._settings.db_timeout_s, self._settings.stuck_timeout_s / 3),
        )
        ours = {row["id"] for row in rows}
        for job in jobs:
            if job.claim.export.export_id not in ours and not job.settling:
                logger.warning("%s was taken away, stopping work on it", job.claim)
                self._running.remove(job)
                job.stop()
