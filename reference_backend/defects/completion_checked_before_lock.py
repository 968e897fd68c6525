"""Completion checks the token and then waits for the row: changes made during the wait go unnoticed."""

from reference_backend.defects import Defect, Edit

_HEAD = "AND e.claim_token = result.token AND e.state = 'preparing'\n            ORDER BY e.id\n"

DEFECT = Defect(
    title="Completion checks the token before it has locked the row: it completes an export that recovery has just taken back",
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
