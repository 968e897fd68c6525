"""Recovery searches for a state that no export has any more."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Recovery searches for a renamed state: exports of dead workers stay stuck",
    source="P11, R13: procrastinate #307",
    expected=("chaos.worker-kill",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="""WHERE e.state = 'preparing'
              AND COALESCE(""",
            new="""WHERE e.state = 'processing'
              AND COALESCE(""",
        ),
    ),
)
