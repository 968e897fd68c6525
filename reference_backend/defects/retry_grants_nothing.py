"""Retry leaves the number of attempts that are allowed."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Retry does not grant more attempts: a failed export fails again at the first worker that dies",
    source="known: a retry that only sets the state; dead-letter queues whose delivery count stays",
    expected=("chaos.poison",),
    edits=(
        Edit(
            file="migrations/0005_requests.sql",
            old="""        SET state = 'queued', attempts_allowed = e.attempt + 3, progress = 0,""",
            new="""        SET state = 'queued', progress = 0,""",
        ),
    ),
)
