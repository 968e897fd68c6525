"""Verification walks chains, which was slow under row security, so it runs as the service."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from reference_backend import database
from reference_backend.api import verification
from reference_backend.defects import Defect


@asynccontextmanager
async def _as_service(
    pool: database.Pool, claims: Mapping[str, Any], *, timeout_s: float | None = None
) -> AsyncIterator[database.Connection]:
    del claims
    async with database.service_transaction(pool, timeout_s=timeout_s) as connection:
        yield connection


def _patch() -> None:
    verification.tenant_transaction = _as_service  # type: ignore[attr-defined]


DEFECT = Defect(
    title="verifyManifest finds the exports of every organization",
    source="L5 family: a service connection where the tenant's belongs",
    expected=("tenancy.matrix",),
    patch=_patch,
)
