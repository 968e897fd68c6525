"""Sealed evidence never changes, so its row is cached by id; only the first request checks the tenant."""

from typing import Any

from aiohttp import web

from reference_backend.api import evidence
from reference_backend.defects import Defect

_rows: dict[str, dict[str, Any]] = {}


def _patch() -> None:
    clean = evidence._requested  # noqa: SLF001

    async def requested(request: web.Request) -> dict[str, Any]:
        evidence_id = request.match_info["evidence_id"].lower()
        if evidence_id not in _rows:
            _rows[evidence_id] = await clean(request)
        return _rows[evidence_id]

    evidence._requested = requested  # noqa: SLF001


DEFECT = Defect(
    title="Evidence is cached by id: after its owner has read it, any tenant can, downloads included",
    source="L10: cache key without the organization",
    expected=("tenancy.matrix",),
    patch=_patch,
)
