"""The cap counts all exports in progress, of every organization."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="The cap counts every organization's exports: three of one tenant stop all others",
    source="known: the WHERE of a correlated count that compares a column with itself",
    expected=("claim.per-org-cap",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="""                SELECT count(*) AS taken FROM exports AS p
                WHERE p.organization_id = lane.organization_id AND p.state = 'preparing'
            ) AS progress
            CROSS JOIN LATERAL (
                SELECT e.id, e.created_at FROM exports AS e
                WHERE e.organization_id = lane.organization_id AND e.state = 'queued'
                ORDER BY e.created_at, e.id
                LIMIT GREATEST(LEAST(p_limit, p_max_per_org - progress.taken), 0)
                FOR UPDATE SKIP LOCKED""",
            new="""                SELECT count(*) AS taken FROM exports AS p
                WHERE p.organization_id = organization_id AND p.state = 'preparing'
            ) AS progress
            CROSS JOIN LATERAL (
                SELECT e.id, e.created_at FROM exports AS e
                WHERE e.organization_id = lane.organization_id AND e.state = 'queued'
                ORDER BY e.created_at, e.id
                LIMIT GREATEST(LEAST(p_limit, p_max_per_org - progress.taken), 0)
                FOR UPDATE SKIP LOCKED""",
        ),
    ),
)
