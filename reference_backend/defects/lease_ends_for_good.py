"""A lease can be prolonged up to some time after the claim, and not beyond."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="A lease ends five seconds after its claim, heartbeats or not: a longer export is taken from a living worker",
    source="known: a maximal visibility timeout, as of SQS after twelve hours",
    expected=("chaos.heartbeat-holds",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="    SET heartbeat_at = clock_timestamp(), progress = GREATEST(e.progress, held.progress)",
            new="    SET heartbeat_at = LEAST(clock_timestamp(), e.started_at + interval '5 seconds'),\n"
            "        progress = GREATEST(e.progress, held.progress)",
        ),
    ),
)
