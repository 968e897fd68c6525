"""Recovery waits for each row that another session has locked."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Recovery waits for locked rows: one export that is locked for a while keeps all others stuck",
    source="SKIP LOCKED in the claim, and forgotten in the sweep beside it",
    expected=("chaos.recovery-fair",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="            LIMIT p_limit\n            FOR NO KEY UPDATE SKIP LOCKED\n",
            new="            LIMIT p_limit\n            FOR NO KEY UPDATE\n",
        ),
    ),
)
