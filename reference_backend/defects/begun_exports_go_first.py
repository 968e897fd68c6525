"""The claim takes no export while an older one of its organization has been begun and has not ended."""

from reference_backend.defects import Defect, Edit
from reference_backend.defects._sql import CLAIM_CANDIDATES

_QUEUED = "AND e.state = 'queued'\n"

DEFECT = Defect(
    title="An organization waits for its oldest export that was begun: one poison export blocks all that follow",
    source="order within a customer, as FIFO queues with message groups promise it",
    expected=("chaos.poison",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old=CLAIM_CANDIDATES,
            new=CLAIM_CANDIDATES.replace(
                _QUEUED,
                _QUEUED
                + """                  AND NOT EXISTS (
                    SELECT FROM exports AS begun
                    WHERE begun.organization_id = e.organization_id AND begun.attempt > 0
                      AND begun.state IN ('queued', 'preparing')
                      AND (begun.created_at, begun.id) < (e.created_at, e.id))
""",
            ),
        ),
    ),
)
