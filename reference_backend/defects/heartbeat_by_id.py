"""A heartbeat checks the export's id and not the token."""

from reference_backend.defects import Defect, Edit

_TAIL = "\n        ORDER BY e.id -- one order for everybody who locks several rows and waits"

DEFECT = Defect(
    title="A paused worker's heartbeat extends its successor's lease",
    source="R4: aegra #547, pgqueuer's update_heartbeat",
    expected=("claim.interleavings", "chaos.lease-lost"),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="ON e.id = claim.id AND e.claim_token = claim.token AND e.state = 'preparing'"
            + _TAIL,
            new="ON e.id = claim.id AND e.state = 'preparing'" + _TAIL,
        ),
    ),
)
