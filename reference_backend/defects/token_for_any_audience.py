"""The audience check failed in staging and was turned off."""

from typing import Any

import jwt

from reference_backend.api import auth
from reference_backend.defects import Defect


def _verified_claims(token: str, *, secret: str, audience: str) -> dict[str, Any]:
    del audience
    options: Any = {"require": ["exp", "aud", "sub"], "verify_aud": False}
    try:
        claims: dict[str, Any] = jwt.decode(token, secret, algorithms=["HS256"], options=options)
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise auth._unauthorized("The token does not hold.") from error  # noqa: SLF001
    return claims


def _patch() -> None:
    auth._verified_claims = _verified_claims  # noqa: SLF001


DEFECT = Defect(
    title="A token for another service of the same issuer is accepted",
    source="L9 family: verify_aud=False",
    expected=("tenancy.tokens",),
    patch=_patch,
)
