"""The fallback prevents a second owner; only the claim function knows the cap."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="The fallback claim ignores the per-organization cap",
    source="P2, known: the rule that is written down twice",
    expected=("claim.fallback",),
    edits=(
        Edit(
            file="queries/fallback_claim.sql",
            old="""
  AND (SELECT count(*) FROM exports AS p
       WHERE p.organization_id = %(organization_id)s::uuid AND p.state = 'preparing') < %(max_per_org)s""",
            new="",
        ),
        Edit(
            file="queries/fallback_candidates.sql",
            old="FROM claimable_exports(%(limit)s, %(max_per_org)s)",
            new="FROM claimable_exports(%(limit)s, 1000)",
        ),
    ),
)
