"""A draining worker releases exports by id and state."""

from reference_backend.defects import Defect, Edit

_TAIL = "\n        ORDER BY e.id\n        FOR NO KEY UPDATE OF e\n    )\n    UPDATE exports AS e\n    SET state = 'queued'"

DEFECT = Defect(
    title="Releasing checks only the state: a paused worker that drains takes exports from their new owners",
    source="R2 (ABA): clevis #253 and #262, River, pg-boss",
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
