"""The worker looks up the ledger head when it starts."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="The ledger head is taken at the claim instead of at the request: another attempt gives another manifest",
    source="known: a function of the moment instead of the export; R24",
    expected=("manifest.files-match",),
    edits=(
        Edit(
            file="queries/claim.sql",
            old="ledger_head_seq, ledger_head_hash",
            new="""
       (SELECT max(a.ledger_seq) FROM audit_logs AS a WHERE a.organization_id = claimed.organization_id)
           AS ledger_head_seq,
       (SELECT a.hash FROM audit_logs AS a WHERE a.organization_id = claimed.organization_id
        ORDER BY a.ledger_seq DESC LIMIT 1) AS ledger_head_hash""",
        ),
        Edit(
            file="queries/claim.sql",
            old="%(max_per_org)s)",
            new="%(max_per_org)s) AS claimed",
        ),
    ),
)
