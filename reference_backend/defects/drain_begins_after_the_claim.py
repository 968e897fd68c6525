"""The grace of a drain begins when the last claim has returned."""

import asyncio

from reference_backend.defects import Defect
from reference_backend.worker.claimer import Claimer
from reference_backend.worker.drain import Grace
from reference_backend.worker.loop import Worker
from reference_backend.worker.running import Claim


async def _claim(self: Worker, claimer: Claimer, free: int) -> list[Claim]:
    del self
    return await claimer.claim(free)


def _begin_later(self: Grace) -> None:
    """Nothing: it begins with the first question."""


_left_s = Grace.left_s


def _begin_now(self: Grace, *, reserved: float) -> float:
    now = asyncio.get_running_loop().time()
    self._ends = min(self._ends, now + self.settings.drain_grace_s)
    return _left_s(self, reserved=reserved)


def _patch() -> None:
    Worker.claim = _claim  # type: ignore[method-assign]
    Grace.begin = _begin_later  # type: ignore[method-assign]
    Grace.left_s = _begin_now  # type: ignore[method-assign]


DEFECT = Defect(
    title="The grace of a drain begins with the return of the last claim: one that hangs leaves no time to give anything back",
    source="seen in this backend",
    expected=("chaos.drain",),
    patch=_patch,
)
