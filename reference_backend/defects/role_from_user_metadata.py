"""The API reads the role from where the profile page writes it."""

from typing import Any

from reference_backend.api import auth
from reference_backend.defects import Defect


def _patch() -> None:
    clean = auth._verified_claims  # noqa: SLF001

    def verified_claims(token: str, *, secret: str, audience: str) -> dict[str, Any]:
        claims = clean(token, secret=secret, audience=audience)
        vouched, profile = claims.get("app_metadata"), claims.get("user_metadata")
        if isinstance(vouched, dict) and isinstance(profile, dict) and "role" in profile:
            return {**claims, "app_metadata": {**vouched, "role": profile["role"]}}
        return claims

    auth._verified_claims = verified_claims  # noqa: SLF001


DEFECT = Defect(
    title="The role in user_metadata overrides the one in app_metadata: a viewer can become owner",
    source="L9 family: user_metadata is writable by its user",
    expected=("tenancy.user-metadata",),
    patch=_patch,
)
