"""The API reads the role from where the profile page writes it."""

from __future__ import annotations

from typing import Any

from reference_backend.defects import Defect, _helpers


def _role_of_profile(claims: dict[str, Any]) -> dict[str, Any]:
    metadata, profile = claims.get("app_metadata"), claims.get("user_metadata")
    if isinstance(metadata, dict) and isinstance(profile, dict) and "role" in profile:
        return {**claims, "app_metadata": {**metadata, "role": profile["role"]}}
    return claims


def _patch() -> None:
    _helpers.change_claims(_role_of_profile)


DEFECT = Defect(
    title="The role in user_metadata overrides the one in app_metadata: a viewer can become owner",
    source="L9 family: user_metadata is writable by its user",
    expected=("tenancy.user-metadata",),
    patch=_patch,
)
