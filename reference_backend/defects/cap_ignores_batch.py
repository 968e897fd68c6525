"""The claim checks that there is room and then takes as many exports as the worker asked for."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="The cap only decides whether an organization may have more: a batch claims any number",
    source="P2, with batches",
    expected=("claim.per-org-cap",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="""                LIMIT GREATEST(LEAST(p_limit, p_max_per_org - progress.taken), 0)
                FOR UPDATE SKIP LOCKED""",
            new="""                LIMIT CASE WHEN progress.taken < p_max_per_org THEN p_limit ELSE 0 END
                FOR UPDATE SKIP LOCKED""",
        ),
    ),
)
