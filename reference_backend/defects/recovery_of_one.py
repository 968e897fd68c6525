"""Recovery takes back one export in each sweep."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Recovery takes back one export a sweep: a hundred of a dead fleet wait for a hundred sweeps",
    source="known: LIMIT 1, copied from the claim into the sweep",
    expected=("chaos.recovery-fair",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="recover_stuck_exports(p_timeout interval, p_limit int DEFAULT 100)",
            new="recover_stuck_exports(p_timeout interval, p_limit int DEFAULT 1)",
        ),
    ),
)
