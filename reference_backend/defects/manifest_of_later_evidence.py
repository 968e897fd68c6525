"""An export takes the evidence that there is when its turn comes."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="An export holds evidence that was uploaded after its request: its bytes depend on the queue",
    source="known: a query without a bound; R24",
    expected=("manifest.files-match",),
    edits=(
        Edit(
            file="queries/evidence_of_exports.sql",
            old=" AND e.ledger_seq <= wanted.up_to",
            new="",
        ),
    ),
)
