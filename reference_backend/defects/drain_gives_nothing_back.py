"""A worker that gets SIGTERM ends its tasks and leaves its exports to recovery."""

import asyncio

from reference_backend.defects import Defect
from reference_backend.worker import drain
from reference_backend.worker.drain import Grace
from reference_backend.worker.running import RunningExports


async def _drain(running: RunningExports, grace: Grace, completing: asyncio.Task[None]) -> None:
    del grace, completing
    for export in list(running.values()):
        export.stop()


def _patch() -> None:
    drain.drain = _drain


DEFECT = Defect(
    title="A worker that gets SIGTERM gives nothing back: each deploy leaves exports preparing for the stuck timeout",
    source="R18: workers that die with their jobs at each deploy",
    expected=("chaos.drain",),
    patch=_patch,
)
