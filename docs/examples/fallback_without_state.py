"""The fallback claim forgets what it claims from."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="The fallback claim has no state guard",
    source="Q1, Q2: ydb-qdrant #199",
    expected=("claim.fallback",),
    edits=(Edit(file="queries/fallback_claim.sql", old=" AND e.state = 'queued'", new=""),),
)
