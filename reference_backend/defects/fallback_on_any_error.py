"""The worker falls back on any error of the claim function."""

from __future__ import annotations

import psycopg

from reference_backend.database import DatabaseUnavailable
from reference_backend.defects import Defect, _worker
from reference_backend.worker.claimer import Claimer


async def _report(claimer: Claimer, error: Exception) -> None:
    await claimer._report_fallback(psycopg.Error(str(error)))  # noqa: SLF001


def _patch() -> None:
    _worker.fall_back_on((psycopg.Error, DatabaseUnavailable), _report)


DEFECT = Defect(
    title="The fallback hides every error: permission, timeout or a broken function all become an optimistic claim",
    source="Q14: instant #2578",
    expected=("claim.raising-function",),
    patch=_patch,
)
