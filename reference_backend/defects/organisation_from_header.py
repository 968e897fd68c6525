"""The web client sends the chosen organization in a header, and the API trusts it."""

from dataclasses import replace
from uuid import UUID

from aiohttp import web

from reference_backend.api import auth, middleware
from reference_backend.api.routes import Access
from reference_backend.defects import Defect


def _patch() -> None:
    clean = middleware._admitted  # noqa: SLF001

    def admitted(request: web.Request, access: Access) -> auth.Principal:
        principal = clean(request, access)
        chosen = request.headers.get("X-Organization-Id")
        if chosen is None:
            return principal
        return replace(principal, organization_id=UUID(chosen))

    middleware._admitted = admitted  # noqa: SLF001


DEFECT = Defect(
    title="X-Organization-Id selects the organization, also one that the user does not belong to",
    source="L9: org from header",
    expected=("tenancy.user-metadata",),
    patch=_patch,
)
