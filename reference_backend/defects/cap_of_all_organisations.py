"""The cap counts all exports in progress, of every organization."""

from reference_backend.defects import Defect, Edit
from reference_backend.defects._sql import CLAIM_CANDIDATES

_COUNT = """                SELECT count(*) AS taken FROM exports AS p
                WHERE p.organization_id = lane.organization_id AND p.state = 'preparing'
            ) AS progress
            CROSS JOIN LATERAL (
"""

DEFECT = Defect(
    title="The cap counts every organization's exports: three of one tenant stop all others",
    source="known: the WHERE of a correlated count that compares a column with itself",
    expected=("claim.per-org-cap",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old=_COUNT + CLAIM_CANDIDATES,
            new=_COUNT.replace("lane.organization_id", "organization_id") + CLAIM_CANDIDATES,
        ),
    ),
)
