"""attempt is set where the claim begins and not counted up when there is another one."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="A second claim does not count: an export that kills its worker is tried for ever",
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
