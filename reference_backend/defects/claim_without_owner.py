"""The claim stamps the time and the token, and nobody asked for the name."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="A claim does not say whose it is: nobody can tell a slow export from a dead worker's",
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
