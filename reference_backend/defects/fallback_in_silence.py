"""The fallback increments its counter and logs nothing."""

import psycopg

from reference_backend import database
from reference_backend.defects import Defect
from reference_backend.worker.claimer import Claimer


async def _report_fallback(self: Claimer, error: psycopg.Error) -> None:
    self._metrics.fallbacks.inc()
    await database.call(self._pool, "count", name="export_claim_fallback_total", amount=1)


def _patch() -> None:
    Claimer._report_fallback = _report_fallback  # type: ignore[method-assign]  # noqa: SLF001


DEFECT = Defect(
    title="The worker does not log that the claim function is missing",
    source="P1",
    expected=("claim.fallback",),
    patch=_patch,
)
