"""What was taken back keeps its place within the cap until it is done, and cannot be claimed for it."""

from reference_backend.defects import Defect, Edit

_QUEUE = "migrations/0006_queue.sql"
_OF_LANE = "WHERE p.organization_id = lane.organization_id AND p.state = 'preparing'"
_OF_PLACED = "WHERE p.organization_id = placed.organization_id AND p.state = 'preparing'"


def _counted(condition: str) -> str:
    state = "p.state = 'preparing'"
    return condition.replace(state, f"({state} OR p.state = 'queued' AND p.attempt > 0)")


DEFECT = Defect(
    title="What was taken back counts toward its organization's cap: at the cap nothing of it is ever claimed again",
    source="a counter of slots that recovery does not free; here by a condition, so that others do not overtake",
    expected=("chaos.recovery-fair",),
    edits=(
        Edit(
            file=_QUEUE,
            old=f"\n                {_OF_LANE}",
            new=f"\n                {_counted(_OF_LANE)}",
        ),
        Edit(file=_QUEUE, old=f"\n        {_OF_LANE}", new=f"\n        {_counted(_OF_LANE)}"),
        Edit(file=_QUEUE, old=_OF_PLACED, new=_counted(_OF_PLACED)),
    ),
)
