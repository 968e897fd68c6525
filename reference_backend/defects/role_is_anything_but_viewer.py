"""Every role except `viewer` may write."""

from __future__ import annotations

from typing import Any

from reference_backend.api import auth
from reference_backend.defects import Defect, _helpers


def _member_by_default(claims: dict[str, Any]) -> dict[str, Any]:
    metadata = claims.get("app_metadata")
    if isinstance(metadata, dict) and metadata.get("role") not in tuple(auth.Role):
        return {**claims, "app_metadata": {**metadata, "role": "member"}}
    return claims


def _patch() -> None:
    _helpers.change_claims(_member_by_default)


DEFECT = Defect(
    title="Only the exact text `viewer` is read-only: `Viewer`, an unknown role or none may write",
    source="known: deny lists of roles",
    expected=("tenancy.viewer",),
    patch=_patch,
)
