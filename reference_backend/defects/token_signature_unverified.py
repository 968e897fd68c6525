"""The API trusts the gateway to have verified the token."""

from typing import Any

import jwt

from reference_backend.api import auth
from reference_backend.defects import Defect


def _read_claims(token: str, *, secret: str, audience: str) -> dict[str, Any]:
    del secret
    options: Any = {
        "verify_signature": False, "verify_exp": True, "verify_aud": True, "require": ["exp", "aud", "sub"],
    }  # fmt: skip
    try:
        claims: dict[str, Any] = jwt.decode(token, options=options, audience=audience)
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise auth._unauthorized("The token does not hold.") from error  # noqa: SLF001
    return claims


def _patch() -> None:
    auth._verified_claims = _read_claims  # noqa: SLF001


DEFECT = Defect(
    title="Tokens are read without verifying their signature",
    source="L9: JWT unverified, alg none",
    expected=("tenancy.tokens", "tenancy.matrix"),
    patch=_patch,
)
