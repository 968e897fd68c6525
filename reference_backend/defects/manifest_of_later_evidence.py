"""An export takes the evidence that exists when it is worked on."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="An export contains evidence that was uploaded after its request: its bytes depend on the queue",
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
