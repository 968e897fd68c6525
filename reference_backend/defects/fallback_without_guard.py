"""The optimistic claim is not optimistic: it names the export and asks for nothing else."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="The fallback claim has no state guard: what another worker just took is taken again",
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
