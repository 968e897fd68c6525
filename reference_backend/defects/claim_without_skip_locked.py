"""The claim locks the rows it chooses and waits for rows that another session has locked."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="SKIP LOCKED is missing: one locked export at the head of the queue stops every worker",
    source="Q4: rtcstats #336",
    expected=("claim.direct-calls",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="                FOR UPDATE SKIP LOCKED\n            ) AS queued",
            new="                FOR UPDATE\n            ) AS queued",
        ),
    ),
)
