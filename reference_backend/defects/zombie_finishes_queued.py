"""Recovery keeps the token, and completion checks only the token."""

from reference_backend.defects import Defect, Edit
from reference_backend.defects._sql import RECOVERY_SETS

DEFECT = Defect(
    title="A requeued export keeps its token: a paused worker completes an export that has no owner",
    source="R5: procrastinate 3.10, from todo to succeeded without a claim",
    expected=("claim.interleavings",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old=RECOVERY_SETS,
            new="            SET heartbeat_at  = NULL,",
        ),
        Edit(
            file="migrations/0006_queue.sql",
            old="ON e.id = result.export_id AND e.claim_token = result.token AND e.state = 'preparing'",
            new="ON e.id = result.export_id AND e.claim_token = result.token",
        ),
    ),
)
