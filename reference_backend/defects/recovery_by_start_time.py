"""Recovery compares the start of the work and ignores heartbeats."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Recovery ignores heartbeats: a long export is taken from a living worker",
    source="R7: xagent #1565, river #682, graphile #169",
    expected=("chaos.worker-kill",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="AND COALESCE(e.heartbeat_at, e.started_at, e.created_at) < clock_timestamp() - p_timeout",
            new="AND e.started_at < clock_timestamp() - p_timeout",
        ),
    ),
)
