"""What a drain gives back is queued anew, behind all that wait."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="What a drain gives back goes to the end of the queue: at each deploy the oldest exports lose their place",
    source="known: queues that put back by deleting and inserting",
    expected=("chaos.drain",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="        attempts_allowed = e.attempts_allowed + 1\n",
            new="        attempts_allowed = e.attempts_allowed + 1, created_at = clock_timestamp()\n",
        ),
    ),
)
