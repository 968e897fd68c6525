"""The claim token is computed from columns of the row, which a crash may roll back."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="The claim token is computed from export and attempt: after a claim was lost in a crash, the next claim gets the same token",
    source="R23: a counter as token with asynchronous commits",
    expected=("claim.direct-calls",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="claim_token = gen_random_uuid(), -- a counter could be issued twice when a crash loses a commit",
            new="claim_token = md5(e.id::text || (e.attempt + 1))::uuid,",
        ),
    ),
)
