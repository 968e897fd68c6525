"""Conditional requests are answered early, from the ETags that this process has sent before."""

from aiohttp import web

from reference_backend.api import evidence
from reference_backend.defects import Defect

_tags: dict[str, str] = {}


def _patch() -> None:
    clean = evidence.get_content

    async def get_content(request: web.Request) -> web.StreamResponse:
        known = _tags.get(request.path)
        if known is not None and request.headers.get("If-None-Match") in {known, "*"}:
            return web.Response(status=304, headers={"ETag": known})
        response = await clean(request)
        _tags[request.path] = response.headers["ETag"]
        return response

    evidence.get_content = get_content


DEFECT = Defect(
    title="If-None-Match is answered before the tenant is checked: other tenants get 304 and the digest",
    source="L10 family: validators kept without the organization",
    expected=("tenancy.matrix",),
    patch=_patch,
)
