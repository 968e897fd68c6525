"""Terminal exports are cached because they never change; but a failed export can be retried."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from aiohttp import web

from reference_backend.api import exports
from reference_backend.api.context import PRINCIPAL
from reference_backend.api.identifiers import parse_id
from reference_backend.defects import Defect

_ended: dict[tuple[object, UUID | None], Mapping[str, Any]] = {}


def _patch() -> None:
    clean = exports._requested  # noqa: SLF001

    async def requested(request: web.Request) -> Mapping[str, Any]:
        key = (request[PRINCIPAL].organization_id, parse_id(request.match_info["export_id"]))
        if key in _ended:
            return _ended[key]
        row = await clean(request)
        if row["state"] not in exports.LIVE:
            _ended[key] = row
        return row

    exports._requested = requested  # type: ignore[assignment]  # noqa: SLF001


DEFECT = Defect(
    title="Ended exports are cached in each process: a retried one stays failed on the other instances",
    source="known: a cache of what 'never changes'",
    expected=("instances.read-your-writes",),
    patch=_patch,
)
