"""A heartbeat counts only if the work has made progress since the last one."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="A heartbeat is written only when the progress has risen: one long step, and another worker takes the export",
    source="known: liveness read off a progress column",
    expected=("chaos.heartbeat-holds",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="    SET heartbeat_at = clock_timestamp(), progress = GREATEST(e.progress, held.progress)",
            new="    SET heartbeat_at = CASE WHEN held.progress > e.progress THEN clock_timestamp() ELSE e.heartbeat_at END,\n"
            "        progress = GREATEST(e.progress, held.progress)",
        ),
    ),
)
