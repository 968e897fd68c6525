"""attempt is set by the first claim and not increased by later ones."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="A second claim does not increase attempt: an export that kills its worker is retried forever",
    source="R15: hindsight #2675, NexJob #143, sidekiq #4069; P3",
    expected=("claim.direct-calls",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="            SET state = 'preparing', attempt = e.attempt + 1, claimed_by = p_worker,\n"
            "                claim_token",
            new="            SET state = 'preparing', attempt = GREATEST(e.attempt, 1), claimed_by = p_worker,\n"
            "                claim_token",
        ),
    ),
)
