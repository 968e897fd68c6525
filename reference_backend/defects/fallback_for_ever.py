"""After the function was missing once, the worker does not call it again, to save a round trip."""

import psycopg

from reference_backend.defects import Defect
from reference_backend.worker.claimer import Claimer
from reference_backend.worker.running import Claim

_given_up: set[int] = set()


def _patch() -> None:
    clean, clean_report = Claimer.claim, Claimer._report_fallback  # noqa: SLF001

    async def report(self: Claimer, error: psycopg.Error) -> None:
        _given_up.add(id(self))
        await clean_report(self, error)

    async def claim(self: Claimer, limit: int) -> list[Claim]:
        if id(self) not in _given_up:
            return await clean(self, limit)
        await clean_report(self, psycopg.errors.UndefinedFunction("missing before"))
        return await self._claim_optimistically(limit)

    Claimer.claim = claim  # type: ignore[method-assign]
    Claimer._report_fallback = report  # type: ignore[method-assign]  # noqa: SLF001


DEFECT = Defect(
    title="A worker that fell back once never uses the claim function again",
    source="N1: graphile #541, bullmq #4729, the same mistake with LISTEN",
    expected=("claim.fallback",),
    patch=_patch,
)
