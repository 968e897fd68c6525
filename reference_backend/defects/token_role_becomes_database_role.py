"""As in PostgREST, the claim `role` becomes the role of the transaction, unchecked."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from reference_backend import database
from reference_backend.api import auth, evidence, exports, jobs, ledger, uploads, verification
from reference_backend.defects import Defect

_ROLES = ("anon", "authenticated", "service_role")


def _patch() -> None:
    clean = auth._verified_claims  # noqa: SLF001
    clean_claims = vars(auth.Principal)["claims"].fget
    roles: dict[str, str] = {}

    def verified_claims(token: str, *, secret: str, audience: str) -> dict[str, Any]:
        claims = clean(token, secret=secret, audience=audience)
        role = claims.get("role")
        roles[str(claims["sub"])] = role if role in _ROLES else "anon"
        return {**claims, "role": "authenticated"}

    def claims_of(principal: auth.Principal) -> dict[str, Any]:
        return {**clean_claims(principal), "role": roles[principal.user_id]}

    @asynccontextmanager
    async def tenant_transaction(
        pool: database.Pool, claims: Mapping[str, Any], *, timeout_s: float | None = None
    ) -> AsyncIterator[database.Connection]:
        async with database._transaction(  # noqa: SLF001
            pool, claims["role"], json.dumps(dict(claims)), timeout_s
        ) as connection:
            yield connection

    auth._verified_claims = verified_claims  # noqa: SLF001
    auth.Principal.claims = property(claims_of)  # type: ignore[assignment,method-assign]
    for module in (evidence, exports, jobs, ledger, uploads, verification):
        module.tenant_transaction = tenant_transaction  # type: ignore[attr-defined]


DEFECT = Defect(
    title="A token whose role is service_role sees every organization",
    source="L5 family: the JWT's role is SET ROLE, and policies let that role see all",
    expected=("tenancy.tokens",),
    patch=_patch,
)
