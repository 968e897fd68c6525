"""Retry adds the attempts that there were to those that are allowed."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Each retry allows more attempts than the one before it: those of a drain are granted twice",
    source="a sum in place of the present attempt and three",
    expected=("chaos.poison",),
    edits=(
        Edit(
            file="migrations/0005_requests.sql",
            old="""        SET state = 'queued', attempts_allowed = e.attempt + 3, progress = 0,""",
            new="""        SET state = 'queued', attempts_allowed = e.attempts_allowed + e.attempt, progress = 0,""",
        ),
    ),
)
