"""Canceling looks whether there is anything left to cancel, and takes a finished export for that."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="An export that is ready can still be canceled, and its download is gone",
    source="Q11: cancel racing completion; known from queues that cancel by id alone",
    expected=("contract.stateful", "contract.problem-details"),
    edits=(
        Edit(
            file="migrations/0005_requests.sql",
            old="AND e.state IN ('queued', 'preparing')\n",
            new="AND e.state NOT IN ('failed', 'canceled')\n",
        ),
    ),
)
