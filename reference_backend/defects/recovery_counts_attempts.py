"""Recovery counts an attempt, and so does the next claim."""

from reference_backend.defects import Defect, Edit
from reference_backend.defects._sql import RECOVERY_SETS

DEFECT = Defect(
    title="An attempt is counted by the claim and by recovery: an export fails after two dead workers",
    source="Oban and others count at one place; written when the count was moved to the claim",
    expected=("chaos.poison",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old=RECOVERY_SETS,
            new=RECOVERY_SETS.replace(
                "heartbeat_at  = NULL,",
                "heartbeat_at  = NULL,\n                attempt       = e.attempt + CASE WHEN stuck.exhausted THEN 0 ELSE 1 END,",
            ),
        ),
    ),
)
