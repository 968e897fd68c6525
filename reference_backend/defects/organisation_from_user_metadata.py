"""Old tokens have the organization in user_metadata, so it is read from there as well."""

from typing import Any

from reference_backend.api import auth
from reference_backend.defects import Defect


def _patch() -> None:
    clean = auth._verified_claims  # noqa: SLF001

    def verified_claims(token: str, *, secret: str, audience: str) -> dict[str, Any]:
        claims = clean(token, secret=secret, audience=audience)
        vouched = claims.get("app_metadata") or claims.get("user_metadata")
        return {**claims, "app_metadata": vouched}

    auth._verified_claims = verified_claims  # noqa: SLF001


DEFECT = Defect(
    title="Without app_metadata, user_metadata names the organization: users can choose it",
    source="L9 family: Supabase's guide to row level security warns of it",
    expected=("tenancy.user-metadata", "tenancy.matrix"),
    patch=_patch,
)
