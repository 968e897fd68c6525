"""The claim sets time and token but not the worker's name."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="A claim does not record its worker: a slow export looks like a dead worker's",
    source="P17",
    expected=("claim.exactly-once", "claim.direct-calls"),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="            SET state = 'preparing', attempt = e.attempt + 1, claimed_by = p_worker,\n"
            "                claim_token",
            new="            SET state = 'preparing', attempt = e.attempt + 1,\n"
            "                claim_token",
        ),
    ),
)
