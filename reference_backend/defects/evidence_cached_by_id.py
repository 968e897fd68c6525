"""Sealed evidence never changes, so its row is cached by id; only the first request checks the tenant."""

from __future__ import annotations

from aiohttp import web

from reference_backend.api import evidence
from reference_backend.api.presentation import Row
from reference_backend.defects import Defect

_rows: dict[str, Row] = {}


def _patch() -> None:
    clean = evidence.find_requested  # type: ignore[attr-defined]

    async def find_requested(request: web.Request, kind: str) -> Row:
        evidence_id = request.match_info["evidence_id"].lower()
        if evidence_id not in _rows:
            _rows[evidence_id] = await clean(request, kind)
        return _rows[evidence_id]

    evidence.find_requested = find_requested  # type: ignore[attr-defined]


DEFECT = Defect(
    title="Evidence is cached by id: after its owner has read it, any tenant can, downloads included",
    source="L10: cache key without the organization",
    expected=("tenancy.matrix",),
    patch=_patch,
)
