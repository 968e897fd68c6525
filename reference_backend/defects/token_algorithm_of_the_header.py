"""The token's header chooses the algorithm."""

from typing import Any

import jwt

from reference_backend.api import auth
from reference_backend.defects import Defect


def _verified_claims(token: str, *, secret: str, audience: str) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            secret,
            algorithms=["HS256", "HS384", "HS512"],
            audience=audience,
            options={"require": ["exp", "aud", "sub"]},
        )
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise auth._unauthorized("The token does not hold.") from error  # noqa: SLF001
    return claims


def _patch() -> None:
    auth._verified_claims = _verified_claims  # noqa: SLF001


DEFECT = Defect(
    title="Every HMAC algorithm is accepted instead of the agreed one",
    source="L9: RFC 8725, section 3.1",
    expected=("tenancy.tokens",),
    patch=_patch,
)
