"""The claim counts what is in progress at workers that live, as if the others' were free already."""

from reference_backend.defects import Defect, Edit

_QUEUE = "migrations/0006_queue.sql"
_OF_LANE = "WHERE p.organization_id = lane.organization_id AND p.state = 'preparing'"
_OF_PLACED = "WHERE p.organization_id = placed.organization_id AND p.state = 'preparing'"
_LIVES = (
    " AND NOT EXISTS (SELECT FROM workers AS w WHERE w.name = p.claimed_by"
    " AND w.heartbeat_at < clock_timestamp() - interval '1 second')"
)

DEFECT = Defect(
    title="An export whose worker is late with its heartbeat does not count toward its organization's cap",
    source="known: slots counted by a join with the living workers",
    expected=("chaos.lease-lost",),
    edits=(
        Edit(
            file=_QUEUE,
            old=f"\n                {_OF_LANE}",
            new=f"\n                {_OF_LANE}{_LIVES}",
        ),
        Edit(file=_QUEUE, old=f"\n        {_OF_LANE}", new=f"\n        {_OF_LANE}{_LIVES}"),
        Edit(file=_QUEUE, old=_OF_PLACED, new=f"{_OF_PLACED}{_LIVES}"),
    ),
)
