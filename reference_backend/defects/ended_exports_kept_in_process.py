"""Terminal exports are cached because they never change; but a failed export can be retried."""

from __future__ import annotations

from uuid import UUID

from aiohttp import web

from reference_backend.api import exports
from reference_backend.api.context import PRINCIPAL
from reference_backend.api.presentation import Row
from reference_backend.api.resources import requested_id
from reference_backend.defects import Defect

_ended: dict[tuple[UUID, UUID], Row] = {}


def _patch() -> None:
    clean = exports.find_requested  # type: ignore[attr-defined]

    async def find_requested(request: web.Request, kind: str) -> Row:
        key = (request[PRINCIPAL].organization_id, requested_id(request, kind))
        if key in _ended:
            return _ended[key]
        row: Row = await clean(request, kind)
        if row["state"] not in exports.LIVE:
            _ended[key] = row
        return row

    exports.find_requested = find_requested  # type: ignore[attr-defined]


DEFECT = Defect(
    title="Ended exports are cached in each process: a retried one stays failed on the other instances",
    source="known: a cache of what 'never changes'",
    expected=("instances.read-your-writes",),
    patch=_patch,
)
