"""The heartbeat of a worker and of its exports; the answer names the exports it still holds."""

from __future__ import annotations

import logging

from reference_backend import database
from reference_backend.settings import Settings
from reference_backend.worker.running import RunningExports, ids_and_tokens

logger = logging.getLogger(__name__)


async def beat(settings: Settings, pool: database.Pool, running: RunningExports) -> None:
    """One heartbeat for all running exports; stops those whose token has become stale.

    Without exports it is a heartbeat of the worker itself. Raises DatabaseUnavailable; then the
    work continues, because the token decides at completion whether it counts.
    """
    exports = list(running.values())
    rows = await database.call(
        pool,
        "heartbeat",
        # A connection that hangs must not cost the export: give up well before the lease ends.
        timeout_s=min(settings.db_timeout_s, settings.stuck_timeout_s / 3),
        worker=settings.worker_name,
        instance=running.instance,
        **ids_and_tokens(export.claim for export in exports),
        progress=[export.progress for export in exports],
    )
    held = {row["token"] for row in rows}
    for export in exports:
        if export.claim.claim_token not in held and not export.completing:
            logger.warning("%s was taken away, stopping work on it", export.claim)
            running.remove(export)
            export.stop()
