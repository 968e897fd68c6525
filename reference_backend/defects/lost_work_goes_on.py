"""A worker that learns that its export was taken away logs it, and finishes what it began."""

import logging

from reference_backend import database
from reference_backend.defects import Defect
from reference_backend.settings import Settings
from reference_backend.worker import heartbeat
from reference_backend.worker.running import RunningExports, ids_and_tokens

_logger = logging.getLogger(__name__)


async def _beat(settings: Settings, pool: database.Pool, running: RunningExports) -> None:
    exports = list(running.values())
    rows = await database.call(
        pool,
        "heartbeat",
        worker=settings.worker_name,
        instance=running.instance,
        **ids_and_tokens(export.claim for export in exports),
        progress=[export.progress for export in exports],
    )
    held = {row["token"] for row in rows}
    for export in exports:
        if export.claim.claim_token not in held:
            _logger.warning("%s was taken away, its result will be dropped", export.claim)


def _patch() -> None:
    heartbeat.beat = _beat


DEFECT = Defect(
    title="A worker that lost an export works on it to the end: its places are taken up by work that is dropped",
    source="known: tokens checked only at completion; a fleet back from an outage renders everything twice",
    expected=("chaos.lease-lost",),
    patch=_patch,
)
