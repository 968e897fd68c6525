"""Tokens of the auth service: ES256, checked against its published keys."""

import json
import uuid
from pathlib import Path
from typing import Any

import jwt

from tests.foreign.fieldwork.refusals import unauthorized, unavailable

ALGORITHM = "ES256"
REQUIRED = ["exp", "sub", "aud"]
LEEWAY_S = 10


class Keys:
    """The auth service's keys, from a URL or a file; asked for again when a token has a new one."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._client = (
            jwt.PyJWKClient(where, timeout=5) if where.startswith(("http://", "https://")) else None
        )

    def of(self, token: str) -> Any:  # noqa: ANN401 - what PyJWT takes as a key
        """The key that a token says it is signed with.

        Raises `jwt.PyJWTError` when there is none, or the keys cannot be had.
        """
        if self._client is not None:
            return self._client.get_signing_key_from_jwt(token)
        kid = jwt.get_unverified_header(token).get("kid")
        for key in jwt.PyJWKSet.from_dict(json.loads(Path(self._where).read_text())).keys:
            if key.key_id == kid:
                return key
        raise jwt.InvalidKeyError("no such key")


def verified(token: str, key: Any, audience: str, issuer: str) -> dict[str, Any]:  # noqa: ANN401
    """The claims of a token whose signature, time, audience and issuer hold.

    Raises `jwt.PyJWTError` when one does not.
    """
    return jwt.decode(
        token,
        key,
        algorithms=[ALGORITHM],
        audience=audience,
        issuer=issuer or None,
        leeway=LEEWAY_S,
        options={"require": REQUIRED},
    )


def claims_of(authorization: str | None, keys: Keys, audience: str, issuer: str) -> dict[str, Any]:
    """The claims of a request's token. Raises `Refusal`."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise unauthorized("Send Authorization: Bearer with a token.")
    try:
        claims = verified(token, keys.of(token), audience, issuer)
        uuid.UUID(str(claims["sub"]))
    except jwt.PyJWKClientConnectionError as error:
        raise unavailable() from error
    except (jwt.PyJWTError, ValueError) as error:
        raise unauthorized("This token is not valid.") from error
    if claims.get("role") != "authenticated":
        raise unauthorized("This token is not one of a user.")
    return claims
