"""The sweep begins where the one before it ended, and no sweep begins anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from reference_backend import database
from reference_backend.defects import Defect, Edit
from reference_backend.settings import Settings
from reference_backend.worker import recovery
from reference_backend.worker.metrics import WorkerMetrics


def _patch() -> None:
    seen = datetime.min.replace(tzinfo=UTC)

    async def recover(
        settings: Settings, pool: database.Pool, metrics: WorkerMetrics, wake: Callable[[], None]
    ) -> None:
        nonlocal seen
        rows = await database.call(
            pool, "recover", stuck_timeout_s=settings.stuck_timeout_s, after=seen
        )
        if rows:
            seen = max(row["created_at"] for row in rows)
            metrics.reclaims.inc(len(rows))
            wake()

    recovery.recover = recover


DEFECT = Defect(
    title="The sweep remembers the last export that it took back and looks only at younger ones: an older one that falls silent later stays stuck",
    source="known: keyset pagination in a periodic sweep, whose cursor is never set back",
    expected=("chaos.recovery-fair",),
    edits=(
        Edit(
            file="queries/recover.sql",
            old="SELECT id, state, attempt, pg_notify('exports_queued', '')\n"
            "FROM recover_stuck_exports(make_interval(secs => %(stuck_timeout_s)s))",
            new="SELECT id, state, attempt, created_at, pg_notify('exports_queued', '')\n"
            "FROM recover_stuck_exports(make_interval(secs => %(stuck_timeout_s)s), 100, %(after)s)",
        ),
        Edit(
            file="migrations/0006_queue.sql",
            old="CREATE FUNCTION recover_stuck_exports(p_timeout interval, p_limit int DEFAULT 100) RETURNS",
            new="CREATE FUNCTION recover_stuck_exports(\n"
            "    p_timeout interval, p_limit int DEFAULT 100, p_after timestamptz DEFAULT '-infinity'\n"
            ") RETURNS",
        ),
        Edit(
            file="migrations/0006_queue.sql",
            old="""            WHERE e.state = 'preparing'
              AND COALESCE(e.heartbeat_at, e.started_at, e.created_at) < clock_timestamp() - p_timeout
            LIMIT p_limit""",
            new="""            WHERE e.state = 'preparing' AND e.created_at > p_after
              AND COALESCE(e.heartbeat_at, e.started_at, e.created_at) < clock_timestamp() - p_timeout
            ORDER BY e.created_at, e.id
            LIMIT p_limit""",
        ),
        Edit(
            file="migrations/0006_queue.sql",
            old="    recover_stuck_exports(interval, int),",
            new="    recover_stuck_exports(interval, int, timestamptz),",
        ),
    ),
    patch=_patch,
)
