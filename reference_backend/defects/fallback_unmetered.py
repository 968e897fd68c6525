"""The fallback is logged but not counted; the alert uses the metric."""

import logging

import psycopg

from reference_backend.defects import Defect
from reference_backend.worker.claimer import Claimer

_log = logging.getLogger(__name__)


async def _report_fallback(self: Claimer, error: psycopg.Error) -> None:
    _log.warning("claim_export_job() is missing, claiming optimistically: %s", error)


def _patch() -> None:
    Claimer._report_fallback = _report_fallback  # type: ignore[method-assign]  # noqa: SLF001


DEFECT = Defect(
    title="Claims without the claim function are not counted: the alert on them never fires",
    source="P1",
    expected=("claim.fallback",),
    patch=_patch,
)
