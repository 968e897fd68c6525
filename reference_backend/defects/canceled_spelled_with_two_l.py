"""The event of a cancellation has the British spelling, which no consumer expects."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Cancellations are recorded as export.cancelled: a consumer that counts export.canceled sees none",
    source="known: one word, two spellings, no enum between them",
    expected=("hash.chain",),
    edits=(
        Edit(
            file="migrations/0005_requests.sql",
            old="v_export.organization_id, 'export.canceled',",
            new="v_export.organization_id, 'export.cancelled',",
        ),
    ),
)
