"""Tokens are checked with the issuer's public keys, and the one algorithm that it signs with."""

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import jwt

from reference_backend.api import auth

_LOOK_AGAIN_S = 1.0
_FETCH_S = 2.0

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def fetched(url: str) -> str:
    with _direct.open(url, timeout=_FETCH_S) as answer:
        text: str = answer.read().decode()
    return text


class Keys:
    """The issuer's keys by `kid`; read again, not too often, when a token names another one."""

    def __init__(self, source: str, algorithm: str) -> None:
        self.source = source
        self.algorithm = algorithm
        self.text = ""
        self._by_kid: dict[str, Any] = {}
        self._read_at = 0.0
        self.read()

    def read(self) -> None:
        self._read_at = time.monotonic()
        if self.is_pem:
            self.text = self.source
            return
        is_url = self.source.startswith("http")
        self.text = fetched(self.source) if is_url else Path(self.source).read_text()
        self._by_kid = {one["kid"]: jwt.PyJWK(one).key for one in json.loads(self.text)["keys"]}

    @property
    def is_pem(self) -> bool:
        return self.source.startswith("-----BEGIN")

    def of(self, header: dict[str, Any]) -> Any:  # noqa: ANN401 - of the library
        """The key for a token with this header. Raises `InvalidTokenError` for an unknown one."""
        if self.is_pem:
            return self.source
        kid = header.get("kid")
        if kid not in self._by_kid and time.monotonic() - self._read_at > _LOOK_AGAIN_S:
            self.read()
        if not isinstance(kid, str) or kid not in self._by_kid:
            raise jwt.InvalidTokenError("no such key")
        return self._by_kid[kid]


def key_of(keys: Keys, token: str, header: dict[str, Any]) -> tuple[Any, list[str]]:
    """The key and the algorithms that a token is checked with."""
    return keys.of(header), [keys.algorithm]


def claims_in(keys: Keys, token: str, audience: str) -> dict[str, Any]:
    key, algorithms = key_of(keys, token, jwt.get_unverified_header(token))
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=algorithms,
        audience=audience,
        options={"require": ["exp", "aud", "sub"]},
    )
    return claims


def install(source: str, algorithm: str) -> None:
    """Put it in the place of the reference backend's shared secret."""
    keys = Keys(source, algorithm)

    def verified_claims(token: str, *, secret: str, audience: str) -> dict[str, Any]:
        try:
            claims = claims_in(keys, token, audience)
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise auth._unauthorized("The token is not valid.") from error
        if isinstance(claims["exp"], bool) or not isinstance(claims["exp"], int | float):
            raise auth._unauthorized("The token's exp is not a number.")
        return claims

    auth._verified_claims = verified_claims
