"""Recovery looks for silent exports first and takes them back by id, without locking what it found."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Recovery does not look again after waiting for a row: it takes back what is alive, or done",
    source="R14, asyncmq #105; known: READ COMMITTED checks the row again, not the subquery that found it",
    expected=("claim.interleavings",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="            LIMIT p_limit\n            FOR NO KEY UPDATE SKIP LOCKED\n",
            new="            LIMIT p_limit\n",
        ),
    ),
)
