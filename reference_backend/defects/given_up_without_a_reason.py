"""Recovery sets an export that it gives up to failed, and says no reason."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="An export whose attempts are used up fails without an error code",
    source="state and reason in two places, and one forgotten",
    expected=("chaos.poison",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="""                error_code    = CASE WHEN stuck.exhausted THEN 'attempts_exhausted' END,
""",
            new="""""",
        ),
    ),
)
