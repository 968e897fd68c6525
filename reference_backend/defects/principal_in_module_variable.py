"""A module variable holds the principal of the current request."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from aiohttp import web

from reference_backend import database
from reference_backend.api import auth, context, middleware
from reference_backend.api.routes import Access
from reference_backend.defects import Defect

_current: list[auth.Principal] = []


def _patch() -> None:
    clean = middleware._admitted  # noqa: SLF001

    def admitted(request: web.Request, access: Access) -> auth.Principal:
        principal = clean(request, access)
        _current[:] = [principal]
        return principal

    def tenant_transaction(
        pool: database.Pool, claims: Mapping[str, Any]
    ) -> AbstractAsyncContextManager[database.Connection]:
        del claims
        return database.tenant_transaction(pool, _current[0].claims)

    middleware._admitted = admitted  # noqa: SLF001
    context.tenant_transaction = tenant_transaction  # type: ignore[assignment,attr-defined]


DEFECT = Defect(
    title="The principal is kept in a module variable: while a body is received, another request replaces it",
    source="known: request state in globals of an asynchronous server",
    expected=("tenancy.user-metadata",),
    patch=_patch,
)
