"""The claim loop ends with its first error, in a task whose result is never read."""

import asyncio

from reference_backend.defects import Defect
from reference_backend.worker.claimer import Claimer
from reference_backend.worker.running import Claim


def _patch() -> None:
    clean = Claimer.claim

    async def claim(self: Claimer, limit: int) -> list[Claim]:
        try:
            return await clean(self, limit)
        except Exception:
            await asyncio.Event().wait()
            raise

    Claimer.claim = claim  # type: ignore[method-assign]


DEFECT = Defect(
    title="One error of the claim function ends the claiming; the worker stays alive and does nothing",
    source="R13: procrastinate #307, a loop that exits on its first exception",
    expected=("claim.raising-function",),
    patch=_patch,
)
