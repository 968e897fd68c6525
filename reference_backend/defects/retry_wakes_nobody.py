"""NOTIFY comes from a trigger on INSERT, and a retry is an UPDATE."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="A retry wakes nobody: the trigger that notifies is on INSERT alone",
    source="Q3: queues whose trigger fires on INSERT alone",
    expected=("chaos.wake-up",),
    edits=(
        Edit(
            file="migrations/0005_requests.sql",
            old="    PERFORM pg_notify('exports_queued', ''); -- as an insert does\n",
            new="",
        ),
    ),
)
