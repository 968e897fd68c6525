"""Verification walks chains, which was slow under row security, so it runs as the service."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from aiohttp import web

from reference_backend.api import verification
from reference_backend.api.context import services
from reference_backend.database import Connection, service_transaction
from reference_backend.defects import Defect


def _as_service(request: web.Request) -> AbstractAsyncContextManager[Connection]:
    return service_transaction(services(request).pool)


def _patch() -> None:
    verification.transaction = _as_service  # type: ignore[attr-defined]


DEFECT = Defect(
    title="verifyManifest finds the exports of every organization",
    source="L5 family: a service connection where the tenant's belongs",
    expected=("tenancy.matrix",),
    patch=_patch,
)
