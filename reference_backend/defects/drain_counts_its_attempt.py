"""An attempt that a drain has ended counts like one whose worker died."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="What a drain gives back uses up an attempt: three deploys and one dead worker make an export fail",
    source="seen in this backend; attempts counted at the claim everywhere",
    expected=("chaos.drain",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="""progress = 0,
        attempts_allowed = e.attempts_allowed + 1
    FROM held""",
            new="""progress = 0
    FROM held""",
        ),
    ),
)
