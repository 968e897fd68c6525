"""As in PostgREST, the claim `role` becomes the role of the transaction, unchecked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from reference_backend import database
from reference_backend.api import auth, context
from reference_backend.defects import Defect, _helpers

_ROLES = ("anon", "authenticated", "service_role")


def _patch() -> None:
    clean_claims = vars(auth.Principal)["claims"].fget
    roles: dict[str, str] = {}

    def note_role(claims: dict[str, Any]) -> dict[str, Any]:
        role = claims.get("role")
        roles[str(claims["sub"])] = role if role in _ROLES else "anon"
        return {**claims, "role": "authenticated"}

    def claims_of(principal: auth.Principal) -> dict[str, Any]:
        return {**clean_claims(principal), "role": roles[principal.user_id]}

    def tenant_transaction(
        pool: database.Pool, claims: Mapping[str, Any]
    ) -> AbstractAsyncContextManager[database.Connection]:
        return database._transaction(  # noqa: SLF001
            pool, claims["role"], json.dumps(dict(claims)), None
        )

    _helpers.change_claims(note_role)
    auth.Principal.claims = property(claims_of)  # type: ignore[assignment,method-assign]
    context.tenant_transaction = tenant_transaction  # type: ignore[assignment,attr-defined]


DEFECT = Defect(
    title="A token whose role is service_role sees every organization",
    source="L5 family: the JWT's role is SET ROLE, and policies let that role see all",
    expected=("tenancy.tokens",),
    patch=_patch,
)
