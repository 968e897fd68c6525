"""States once had mixed case, and the claim still compares lower(state): no partial index matches that condition."""

from __future__ import annotations

from reference_backend.defects import Defect, Edit
from reference_backend.defects._sql import CLAIM_CANDIDATES

DEFECT = Defect(
    title="The claim's condition matches no partial index: every claim reads all exports ever made",
    source="Q12: 533 against 5,700 claims a second",
    expected=("claim.index-used",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old=CLAIM_CANDIDATES,
            new=CLAIM_CANDIDATES.replace("e.state =", "lower(e.state) ="),
        ),
    ),
)
