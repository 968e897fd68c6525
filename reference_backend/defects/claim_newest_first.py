"""Lists show the newest first, and so does the claim."""

from __future__ import annotations

from reference_backend.defects import Defect, Edit
from reference_backend.defects._sql import CLAIM_CANDIDATES

DEFECT = Defect(
    title="The claim takes the newest export first: under load the oldest waits forever",
    source="Q6, known: a queue that became a stack",
    expected=("claim.oldest-first",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old=CLAIM_CANDIDATES,
            new=CLAIM_CANDIDATES.replace(
                "e.created_at, e.id\n                LIMIT",
                "e.created_at DESC, e.id\n                LIMIT",
            ),
        ),
    ),
)
