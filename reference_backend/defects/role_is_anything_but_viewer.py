"""Every role except `viewer` may write."""

from typing import Any

from reference_backend.api import auth
from reference_backend.defects import Defect


def _patch() -> None:
    clean = auth._verified_claims  # noqa: SLF001

    def verified_claims(token: str, *, secret: str, audience: str) -> dict[str, Any]:
        claims = clean(token, secret=secret, audience=audience)
        vouched = claims.get("app_metadata")
        if isinstance(vouched, dict) and vouched.get("role") not in tuple(auth.Role):
            return {**claims, "app_metadata": {**vouched, "role": "member"}}
        return claims

    auth._verified_claims = verified_claims  # noqa: SLF001


DEFECT = Defect(
    title="Only the exact text `viewer` is read-only: `Viewer`, an unknown role or none may write",
    source="known: deny lists of roles",
    expected=("tenancy.viewer",),
    patch=_patch,
)
