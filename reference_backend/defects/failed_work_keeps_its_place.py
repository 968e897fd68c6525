"""An export whose work failed counts as running for as long as its worker lives."""

from reference_backend.defects import Defect
from reference_backend.worker.running import RunningExports


def _length(self: RunningExports) -> int:
    return dict.__len__(self) + len(self.abandoned)


def _patch() -> None:
    RunningExports.__len__ = _length  # type: ignore[method-assign, assignment]


DEFECT = Defect(
    title="An export whose work failed keeps its place: after as many failures as it has places a worker claims nothing, and lives",
    source="known: a semaphore that is released behind the work and not in `finally`",
    expected=("chaos.poison",),
    patch=_patch,
)
