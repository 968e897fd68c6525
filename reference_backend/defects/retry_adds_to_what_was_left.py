"""Retry adds three to the attempts that are allowed, whether or not they were used up."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="A retry grants three attempts on top of those that were left: an export that failed at its first one gets five",
    source="known: `max_attempts += n` in retry actions; what failed for good had not used up its attempts",
    expected=("chaos.poison",),
    edits=(
        Edit(
            file="migrations/0005_requests.sql",
            old="""        SET state = 'queued', attempts_allowed = e.attempt + 3, progress = 0,""",
            new="""        SET state = 'queued', attempts_allowed = e.attempts_allowed + 3, progress = 0,""",
        ),
    ),
)
