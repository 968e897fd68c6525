"""A heartbeat makes the lease longer by a second, where it should last for a time from now on."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Each heartbeat adds to the lease: what a worker has held for long is not taken back for long after its death",
    source="known: lease_until = lease_until + interval",
    expected=("chaos.heartbeat-holds",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="    SET heartbeat_at = clock_timestamp(), progress = GREATEST(e.progress, held.progress)",
            new="    SET heartbeat_at = e.heartbeat_at + interval '1 second',\n"
            "        progress = GREATEST(e.progress, held.progress)",
        ),
    ),
)
