"""Completion checks the token, then waits for the row: what happened while it waited goes unseen."""

from reference_backend.defects import Defect, Edit

_HEAD = "AND e.claim_token = result.token AND e.state = 'preparing'\n            ORDER BY e.id\n"

DEFECT = Defect(
    title="Completion checks the token before it has the row: one that recovery just took is completed",
    source="R1; known: a CTE without FOR UPDATE is not evaluated again on the locked row",
    expected=("claim.interleavings",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old=_HEAD + "            FOR NO KEY UPDATE OF e\n",
            new=_HEAD,
        ),
    ),
)
