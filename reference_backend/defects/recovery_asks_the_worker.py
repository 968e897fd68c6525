"""Recovery takes nothing from a worker whose connection is there, whatever became of its exports."""

from __future__ import annotations

from collections.abc import Callable

from reference_backend import database
from reference_backend.defects import Defect, Edit
from reference_backend.settings import Settings
from reference_backend.worker import recovery
from reference_backend.worker.metrics import WorkerMetrics

_ALIVE = "SELECT pg_advisory_lock(hashtextextended('alive:' || %(name)s, 0))"


def _patch() -> None:
    clean = recovery.recover
    alive: list[database.Connection] = []

    async def recover(
        settings: Settings, pool: database.Pool, metrics: WorkerMetrics, wake: Callable[[], None]
    ) -> None:
        if not alive or alive[-1].closed:
            alive.append(await database.connect(settings, role="service_role"))
            await alive[-1].execute(_ALIVE, {"name": settings.worker_name})
        await clean(settings, pool, metrics, wake)

    recovery.recover = recover


DEFECT = Defect(
    title="Recovery takes back only exports of workers whose connection is gone: what a living or frozen one has dropped stays stuck",
    source="known: liveness by a session's advisory lock, as in que and in leader elections, in place of a heartbeat of the job",
    expected=("chaos.poison", "chaos.lease-lost"),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="""              AND COALESCE(e.heartbeat_at, e.started_at, e.created_at) < clock_timestamp() - p_timeout
            LIMIT p_limit""",
            new="""              AND COALESCE(e.heartbeat_at, e.started_at, e.created_at) < clock_timestamp() - p_timeout
              AND pg_try_advisory_xact_lock(hashtextextended('alive:' || e.claimed_by, 0))
            LIMIT p_limit""",
        ),
    ),
    patch=_patch,
)
