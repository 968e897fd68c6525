"""The claim counts only exports with a recent heartbeat, as if the silent ones had been taken back."""

from reference_backend.defects import Defect, Edit

_QUEUE = "migrations/0006_queue.sql"
_OF_LANE = "WHERE p.organization_id = lane.organization_id AND p.state = 'preparing'"
_OF_PLACED = "WHERE p.organization_id = placed.organization_id AND p.state = 'preparing'"
_RECENT = " AND p.heartbeat_at > clock_timestamp() - interval '10 seconds'"

DEFECT = Defect(
    title="An export that is silent for ten seconds no longer counts toward its organization's cap",
    source="a worker that is cut off from the database works on: the cap of a paid renderer was exceeded",
    expected=("claim.per-org-cap",),
    edits=(
        Edit(
            file=_QUEUE,
            old=f"\n                {_OF_LANE}",
            new=f"\n                {_OF_LANE}{_RECENT}",
        ),
        Edit(file=_QUEUE, old=f"\n        {_OF_LANE}", new=f"\n        {_OF_LANE}{_RECENT}"),
        Edit(file=_QUEUE, old=_OF_PLACED, new=f"{_OF_PLACED}{_RECENT}"),
    ),
)
