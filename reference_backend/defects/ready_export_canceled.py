"""Cancel accepts every export that is not failed or canceled, also a ready one."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="A ready export can be canceled, and its download is gone",
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
