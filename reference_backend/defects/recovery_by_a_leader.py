"""One worker at a time may recover, and is the leader for a minute after its last sweep."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from reference_backend import database
from reference_backend.defects import Defect
from reference_backend.settings import Settings
from reference_backend.worker import recovery
from reference_backend.worker.metrics import WorkerMetrics

LEAD = """
UPDATE recovery_leader SET name = %(name)s, until = clock_timestamp() + interval '1 minute'
WHERE name = %(name)s OR until < clock_timestamp()
RETURNING true AS leads
"""


def _patch() -> None:
    clean, name = recovery.recover, str(uuid4())

    async def recover(
        settings: Settings, pool: database.Pool, metrics: WorkerMetrics, wake: Callable[[], None]
    ) -> None:
        async with pool.connection() as connection:
            cursor = await connection.execute(LEAD, {"name": name})
            leads = await cursor.fetchone()
        if leads:
            await clean(settings, pool, metrics, wake)

    recovery.recover = recover


DEFECT = Defect(
    title="Recovery is its leader's business, and the lease of a dead leader lasts a minute: nothing is taken back until then",
    source="leader election beside a stuck timeout that is shorter than the leader's lease",
    expected=("chaos.all-workers",),
    sql="""
CREATE TABLE recovery_leader (name text NOT NULL, until timestamptz NOT NULL);
INSERT INTO recovery_leader VALUES ('', '-infinity');
GRANT SELECT, UPDATE ON recovery_leader TO service_role;
""",
    patch=_patch,
)
