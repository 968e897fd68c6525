"""How long a signed address of a storage works, as far as it says so itself."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import jwt

_LIFETIMES = ("x-amz-expires", "x-goog-expires")
"""Seconds from the signature on."""

_MOMENTS = ("expires", "exp", "expiry")
"""Seconds or milliseconds since 1970."""

_FIRST_OF_MILLISECONDS = 10**11
"""A moment of that many seconds is in the year 5138."""


@dataclass(frozen=True, kw_only=True)
class Lifetime:
    """What an address says of the time for which it works."""

    seconds: float
    """From its signature on."""
    left_s: float
    """From the moment on at which it was looked at."""
    by_clock: bool
    """Whether that follows from a moment, and so from a clock that may differ from ours."""

    @property
    def whole_s(self) -> int:
        """The seconds from its signature on, rounded up."""
        return math.ceil(self.seconds)


def lifetime_of(address: str, now: float) -> Lifetime | None:
    """Give how long an address works that was signed at `now`; None where it does not say so.

    It is in a parameter of its own, or in a token among the parameters.
    """
    return next(_said(address, now), None)


def _said(address: str, now: float) -> Iterator[Lifetime]:
    for name, value in parse_qsl(urlsplit(address).query):
        if name.lower() in _LIFETIMES and value.isdecimal():
            yield Lifetime(seconds=int(value), left_s=int(value), by_clock=False)
        elif name.lower() in _MOMENTS and value.isdecimal():
            moment = int(value) / 1000 if int(value) >= _FIRST_OF_MILLISECONDS else int(value)
            if moment > now:
                yield Lifetime(seconds=moment - now, left_s=moment - now, by_clock=True)
        else:
            yield from _in_token(value, now)


def _in_token(value: str, now: float) -> Iterator[Lifetime]:
    try:
        claims = jwt.decode(value, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return
    end, begin = claims.get("exp"), claims.get("iat", now)
    if isinstance(end, int | float) and isinstance(begin, int | float) and end > begin:
        yield Lifetime(seconds=end - begin, left_s=end - now, by_clock=True)
