"""Lists show the newest first, and so does the claim."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="The claim takes the newest export first: under load the oldest waits forever",
    source="Q6, known: a queue that became a stack",
    expected=("claim.oldest-first",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="""                SELECT e.id, e.created_at FROM exports AS e
                WHERE e.organization_id = lane.organization_id AND e.state = 'queued'
                ORDER BY e.created_at, e.id
                LIMIT GREATEST(LEAST(p_limit, p_max_per_org - progress.taken), 0)
                FOR UPDATE SKIP LOCKED""",
            new="""                SELECT e.id, e.created_at FROM exports AS e
                WHERE e.organization_id = lane.organization_id AND e.state = 'queued'
                ORDER BY e.created_at DESC, e.id
                LIMIT GREATEST(LEAST(p_limit, p_max_per_org - progress.taken), 0)
                FOR UPDATE SKIP LOCKED""",
        ),
    ),
)
