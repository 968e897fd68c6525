"""After an outage a worker renews what it works on: it is still at it, after all."""

from reference_backend import database
from reference_backend.database import DatabaseUnavailable, Pool
from reference_backend.defects import Defect
from reference_backend.settings import Settings
from reference_backend.worker import heartbeat
from reference_backend.worker.running import RunningExports, ids_and_tokens

_RENEW = """
UPDATE exports AS e
SET claimed_by = %(worker)s, claim_token = mine.token, heartbeat_at = clock_timestamp()
FROM unnest(%(ids)s::uuid[], %(tokens)s::uuid[]) AS mine (id, token)
WHERE e.id = mine.id AND e.state = 'preparing'
"""

_failed = False


async def _beat(settings: Settings, pool: Pool, running: RunningExports) -> None:
    global _failed
    try:
        if _failed:
            claims = ids_and_tokens(export.claim for export in running.values())
            async with database.worker_transaction(pool) as connection:
                await connection.execute(_RENEW, {"worker": settings.worker_name, **claims})
        await _clean(settings, pool, running)
        _failed = False
    except DatabaseUnavailable:
        _failed = True
        raise


_clean = heartbeat.beat


def _patch() -> None:
    heartbeat.beat = _beat


DEFECT = Defect(
    title="A worker that had no database for a while takes its exports back, whoever has them now",
    source="known: leases that are renewed by an upsert when a client connects again",
    expected=("chaos.database-cut",),
    patch=_patch,
)
