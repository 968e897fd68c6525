"""States once had mixed case, and the claim still compares lower(state): no partial index matches that condition."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="The claim's condition matches no partial index: every claim reads all exports ever made",
    source="Q12: 533 against 5,700 claims a second",
    expected=("claim.index-used",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="""                SELECT e.id, e.created_at FROM exports AS e
                WHERE e.organization_id = lane.organization_id AND e.state = 'queued'
                ORDER BY e.created_at, e.id
                LIMIT GREATEST(LEAST(p_limit, p_max_per_org - progress.taken), 0)
                FOR UPDATE SKIP LOCKED""",
            new="""                SELECT e.id, e.created_at FROM exports AS e
                WHERE e.organization_id = lane.organization_id AND lower(e.state) = 'queued'
                ORDER BY e.created_at, e.id
                LIMIT GREATEST(LEAST(p_limit, p_max_per_org - progress.taken), 0)
                FOR UPDATE SKIP LOCKED""",
        ),
    ),
)
