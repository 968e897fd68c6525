"""A drain does not know of exports whose work failed and which wait for recovery."""

from collections import deque

from reference_backend.defects import Defect
from reference_backend.worker.running import RunningExports

_init = RunningExports.__init__


def _without_memory(self: RunningExports) -> None:
    _init(self)
    self.abandoned = deque(maxlen=0)


def _patch() -> None:
    RunningExports.__init__ = _without_memory  # type: ignore[method-assign]


DEFECT = Defect(
    title="Exports whose work failed are not given back by a drain: they wait for the stuck timeout though their worker knows of them",
    source="seen in this backend",
    expected=("chaos.drain",),
    patch=_patch,
)
