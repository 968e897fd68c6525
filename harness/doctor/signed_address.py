"""How long an address of a storage works, as far as it says so itself."""

import math
from urllib.parse import parse_qsl, urlsplit

import jwt

_LIFETIMES = ("x-amz-expires", "x-goog-expires")
"""Seconds from the signature on."""

_MOMENTS = ("expires", "exp", "expiry")
"""Seconds since 1970."""


def lifetime_of(address: str, now: float) -> int | None:
    """Give the seconds for which an address that was signed at `now` works; None: it is not said.

    It is in a parameter of its own, or in a token among the parameters.
    """
    for name, value in parse_qsl(urlsplit(address).query):
        if name.lower() in _LIFETIMES and value.isdigit():
            return int(value)
        if name.lower() in _MOMENTS and value.isdigit() and int(value) > now:
            return math.ceil(int(value) - now)
        try:
            claims = jwt.decode(value, options={"verify_signature": False})
        except jwt.InvalidTokenError:
            continue
        end, begin = claims.get("exp"), claims.get("iat", now)
        if isinstance(end, int | float) and isinstance(begin, int | float) and end > begin:
            return math.ceil(end - begin)
    return None
