"""Retry was extended to every export that did not become ready, for a user who had canceled by mistake."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="A canceled export can be retried: a terminal state changes",
    source="known: terminal states kept by convention; pg-boss and its retry of cancelled jobs",
    expected=("contract.stateful",),
    edits=(
        Edit(
            file="migrations/0005_requests.sql",
            old="request_organization_id() AND e.state = 'failed'\n",
            new="request_organization_id() AND e.state IN ('failed', 'canceled')\n",
        ),
    ),
)
