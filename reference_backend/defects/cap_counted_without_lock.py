"""The cap of exports in progress is counted inside the claim, but claims of one organization run at the same time."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="The per-organization cap is counted without a lock: concurrent claims exceed it",
    source="P2: 3 to 16 in flight with 16 clients",
    expected=("claim.per-org-cap",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="IF NOT pg_try_advisory_xact_lock(hashtextextended('claim:' || v_next, 0)) THEN",
            new="IF false THEN",
        ),
    ),
)
