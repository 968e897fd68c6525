"""Completing an export checks only its id."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Completion does not check the claim token: a paused worker completes what another worker owns",
    source="R1, R5: procrastinate 3.10, pgqueuer 1.6, Oban's basic engine",
    expected=("chaos.worker-pause-zombie",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="ON e.id = result.export_id AND e.claim_token = result.token AND e.state = 'preparing'",
            new="ON e.id = result.export_id",
        ),
    ),
)
