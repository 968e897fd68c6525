"""Requesting an export returns Retry-After; reading its state does not."""

from aiohttp import web

from reference_backend.api import exports
from reference_backend.defects import Defect


def _patch() -> None:
    clean = exports.get_export

    async def get_export(request: web.Request) -> web.Response:
        answer = await clean(request)
        answer.headers.pop("Retry-After", None)
        return answer

    exports.get_export = get_export


DEFECT = Defect(
    title="getExport of a live export has no Retry-After: clients poll as fast as they can",
    source="known: a header lost on its way through a cache",
    expected=("golden.export-download",),
    patch=_patch,
)
