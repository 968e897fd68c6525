"""Recovery resets the number of attempts."""

from reference_backend.defects import Defect, Edit
from reference_backend.defects._sql import RECOVERY_SETS

DEFECT = Defect(
    title="Recovery resets the attempts: a poison export is retried forever",
    source="R16: OwnPay #172",
    expected=("claim.interleavings", "chaos.poison"),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old=RECOVERY_SETS,
            new="            SET claim_token   = NULL,\n                attempt       = 0,\n                heartbeat_at  = NULL,",
        ),
    ),
)
