"""The fencing token is a generation of the lease, which recovery sets back with all the rest."""

from reference_backend.defects import Defect, Edit
from reference_backend.defects._sql import RECOVERY_SETS

_QUEUE = "migrations/0006_queue.sql"

DEFECT = Defect(
    title="The generation of a lease restarts after recovery: the next owner gets the token that the frozen one has",
    source="semaprax #192: lease generation restarts at 1",
    expected=("chaos.lease-lost",),
    edits=(
        Edit(
            file=_QUEUE,
            old="claim_token = gen_random_uuid(), -- a counter could be issued twice when a crash loses a commit",
            new="generation = e.generation + 1, claim_token = md5(e.id::text || (e.generation + 1))::uuid,",
        ),
        Edit(
            file=_QUEUE, old=RECOVERY_SETS, new=f"{RECOVERY_SETS}\n                generation = 0,"
        ),
    ),
    sql="ALTER TABLE exports ADD COLUMN generation integer NOT NULL DEFAULT 0;",
)
