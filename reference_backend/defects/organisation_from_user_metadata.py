"""Old tokens have the organization in user_metadata, so it is read from there as well."""

from __future__ import annotations

from typing import Any

from reference_backend.defects import Defect, _helpers


def _either(claims: dict[str, Any]) -> dict[str, Any]:
    return {**claims, "app_metadata": claims.get("app_metadata") or claims.get("user_metadata")}


def _patch() -> None:
    _helpers.change_claims(_either)


DEFECT = Defect(
    title="Without app_metadata, user_metadata names the organization: users can choose it",
    source="L9 family: Supabase's guide to row level security warns of it",
    expected=("tenancy.user-metadata", "tenancy.matrix"),
    patch=_patch,
)
