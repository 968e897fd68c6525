"""Recovery looks at the oldest hundred exports in progress, and then which of them are silent."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Recovery looks only at the oldest hundred in progress: behind as many living ones an export stays stuck",
    source="a LIMIT that was added below the condition, so that a sweep is bounded",
    expected=("chaos.recovery-fair",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="""            FROM exports AS e
            WHERE e.state = 'preparing'
              AND COALESCE(""",
            new="""            FROM exports AS e
            WHERE e.id IN (SELECT p.id FROM exports AS p WHERE p.state = 'preparing'
                           ORDER BY p.created_at, p.id LIMIT p_limit)
              AND COALESCE(""",
        ),
    ),
)
