"""So that a worker may send its completion again, the token stays and `ready` is no obstacle."""

from reference_backend.defects import Defect, Edit

_FILE = "migrations/0006_queue.sql"

DEFECT = Defect(
    title="A completion that is sent again with its token is taken again: a second event",
    source="known: made idempotent for the row and not for what is appended beside it",
    expected=("chaos.half-written",),
    edits=(
        Edit(
            file=_FILE,
            old="ON e.id = result.export_id AND e.claim_token = result.token AND e.state = 'preparing'\n",
            new="ON e.id = result.export_id AND e.claim_token = result.token AND e.state IN ('preparing', 'ready')\n",
        ),
        Edit(
            file=_FILE,
            old="SET state = 'ready', progress = 100, claim_token = NULL, completed_at = clock_timestamp(),",
            new="SET state = 'ready', progress = 100, completed_at = clock_timestamp(),",
        ),
    ),
)
