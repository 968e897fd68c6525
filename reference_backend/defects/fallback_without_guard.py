"""The optimistic claim checks only the export's id."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="The fallback claim does not check the state: it takes what another worker has just claimed",
    source="Q1, Q2: ydb-qdrant #199, payload #17441",
    expected=("claim.fallback",),
    edits=(
        Edit(
            file="queries/fallback_claim.sql",
            old="WHERE e.id = %(export_id)s AND e.state = 'queued'",
            new="WHERE e.id = %(export_id)s",
        ),
    ),
)
