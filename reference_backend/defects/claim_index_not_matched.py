"""States were once written in any case, and the claim still compares them so: no partial index fits such a condition."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="The claim's condition does not match its partial indexes: every claim reads all that was ever done",
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
