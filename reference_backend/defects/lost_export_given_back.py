"""A worker that learns that its export was taken away returns it to the queue, to be helpful."""

from reference_backend import database
from reference_backend.defects import Defect
from reference_backend.settings import Settings
from reference_backend.worker import heartbeat
from reference_backend.worker.running import RunningExports

_GIVE_BACK = """
UPDATE exports SET state = 'queued', claim_token = NULL, claimed_by = NULL, heartbeat_at = NULL
WHERE id = ANY(%s) AND state = 'preparing'
"""

_beat = heartbeat.beat


async def _beat_and_give_back(
    settings: Settings, pool: database.Pool, running: RunningExports
) -> None:
    before = list(running.values())
    await _beat(settings, pool, running)
    held = {id(export) for export in running.values()}
    lost = [each.claim.id for each in before if id(each) not in held and not each.ended]
    if lost:
        async with database.worker_transaction(pool) as connection:
            await connection.execute(_GIVE_BACK, [lost])


def _patch() -> None:
    heartbeat.beat = _beat_and_give_back


DEFECT = Defect(
    title="A worker that lost an export sets it back to queued: its new owner loses it, too",
    source="known: one `finally: release(job)` for every end of the work, also for a lost lease",
    expected=("chaos.lease-lost",),
    patch=_patch,
)
