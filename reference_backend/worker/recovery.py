"""Taking back the exports of dead workers. Every worker does it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from reference_backend import database
from reference_backend.settings import Settings
from reference_backend.worker.metrics import WorkerMetrics

PRUNE_EVERY_S = 3600.0

logger = logging.getLogger(__name__)


async def recover(
    settings: Settings, pool: database.Pool, metrics: WorkerMetrics, wake: Callable[[], None]
) -> None:
    """Take back stuck exports. There is no leader whose death would end the recovery.

    Raises DatabaseUnavailable.
    """
    timeout_s = settings.stuck_timeout_s
    rows = await database.call(pool, "recover", stuck_timeout_s=timeout_s)
    for row in rows:
        logger.warning(
            "export %s had no heartbeat for %g s in attempt %d: %s",
            *(row["id"], timeout_s, row["attempt"], row["state"]),
        )
    if rows:
        metrics.reclaims.inc(len(rows))
        wake()


async def prune(pool: database.Pool) -> None:
    """Remove old idempotency keys and workers. Raises DatabaseUnavailable."""
    await database.call(pool, "prune")
