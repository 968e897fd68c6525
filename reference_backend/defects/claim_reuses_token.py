"""The first claim of an export issues a token; recovery keeps it and the next claim uses it again."""

from reference_backend.defects import Defect, Edit
from reference_backend.defects._sql import RECOVERY_SETS

DEFECT = Defect(
    title="A second claim of an export gets the first claim's token: the old worker's writes are accepted as its successor's",
    source="R2, R23: a token that is not the claim's but the row's",
    expected=("claim.interleavings",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="claim_token = gen_random_uuid(), -- a counter could",
            new="claim_token = COALESCE(e.claim_token, gen_random_uuid()), -- a counter could",
        ),
        Edit(
            file="migrations/0006_queue.sql",
            old=RECOVERY_SETS,
            new="            SET heartbeat_at  = NULL,",
        ),
    ),
)
