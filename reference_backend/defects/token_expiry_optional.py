"""An exp in the past is refused; a token without exp is valid forever."""

from typing import Any

import jwt

from reference_backend.api import auth
from reference_backend.defects import Defect


def _verified_claims(token: str, *, secret: str, audience: str) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(
            token, secret, algorithms=["HS256"], audience=audience, options={"require": ["sub"]}
        )
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise auth._unauthorized("The token does not hold.") from error  # noqa: SLF001
    return claims


def _patch() -> None:
    auth._verified_claims = _verified_claims  # noqa: SLF001


DEFECT = Defect(
    title="exp is checked where present but not required",
    source="L9: exp ignored",
    expected=("tenancy.tokens",),
    patch=_patch,
)
