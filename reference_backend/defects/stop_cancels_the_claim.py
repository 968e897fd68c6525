"""A worker that gets SIGTERM does not wait for the claim that it has sent."""

import asyncio

from reference_backend.defects import Defect
from reference_backend.worker.claimer import Claimer
from reference_backend.worker.loop import Worker
from reference_backend.worker.running import Claim


async def _claim(self: Worker, claimer: Claimer, free: int) -> list[Claim]:
    claiming = asyncio.create_task(claimer.claim(free))
    stopping = asyncio.create_task(self._stop.wait())
    await asyncio.wait({claiming, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not claiming.done():
        claiming.cancel()
        return []
    return claiming.result()


def _patch() -> None:
    Worker.claim = _claim  # type: ignore[method-assign]


DEFECT = Defect(
    title="SIGTERM cancels the claim on its way: what the database has claimed already is in the name of a worker that does not know of it",
    source="Q18: taskcluster #6681, the answer to a claim is lost; here at every deploy under load",
    expected=("chaos.rolling-restart",),
    patch=_patch,
)
