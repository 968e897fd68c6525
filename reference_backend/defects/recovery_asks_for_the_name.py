"""Recovery takes nothing from a worker whose name has a heartbeat."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Recovery leaves exports to a worker whose name is alive: after a restart under the same name nobody takes them back",
    source="graphile-worker #449: stuck after failover; liveness by worker id",
    expected=("chaos.same-name",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="""              AND COALESCE(e.heartbeat_at, e.started_at, e.created_at) < clock_timestamp() - p_timeout
            LIMIT p_limit""",
            new="""              AND COALESCE(e.heartbeat_at, e.started_at, e.created_at) < clock_timestamp() - p_timeout
              AND NOT EXISTS (SELECT FROM workers AS w WHERE w.name = e.claimed_by
                              AND w.heartbeat_at > clock_timestamp() - p_timeout)
            LIMIT p_limit""",
        ),
    ),
)
