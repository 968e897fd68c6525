"""The fallback increments its counter and logs nothing."""

import psycopg

from reference_backend import database, queries
from reference_backend.defects import Defect
from reference_backend.worker.claimer import Claimer


async def _complain(self: Claimer, error: psycopg.Error) -> None:
    self._metrics.fallbacks.inc()
    counted = {"name": "export_claim_fallback_total", "amount": 1}
    await database.call(self._pool, queries.load("count"), counted)


def _patch() -> None:
    Claimer._complain = _complain  # type: ignore[method-assign]  # noqa: SLF001


DEFECT = Defect(
    title="The worker does not log that the claim function is missing",
    source="P1",
    expected=("claim.fallback",),
    patch=_patch,
)
