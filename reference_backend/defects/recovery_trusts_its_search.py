"""Recovery finds silent exports and takes them back by id, without locking the rows it found."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Recovery does not check again after waiting for a row: it takes back exports that are alive or done",
    source="R14, asyncmq #105; known: READ COMMITTED checks the row again, not the subquery that found it",
    expected=("claim.interleavings", "chaos.recovery-fair"),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="            LIMIT p_limit\n            FOR NO KEY UPDATE SKIP LOCKED\n",
            new="            LIMIT p_limit\n",
        ),
    ),
)
