"""Invalid credentials that need no secret: no token, a token in a wrong place, a changed token."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, get_args

import jwt

from harness.client import Organization
from harness.client.tokens.tokens import signed, signed_by, unsigned
from harness.signing.algorithms import Algorithm, is_symmetric
from harness.signing.signing_key import SigningKey

ANOTHER_SECRET = "a key that is not the issuer's, and just as long as one of his"  # noqa: S105

UNAUTHORIZED = frozenset({401})
NOT_A_TOKEN = frozenset({400, 401, 431})
"""For a header that a server may refuse before it looks for a token."""

BEGINNING = 24
"""Letters that all tokens may have in common: a cache by this prefix would mix tokens up."""


@dataclass(frozen=True, kw_only=True)
class Credential:
    """A credential that must not be accepted, and the statuses for it."""

    name: str
    expected: frozenset[int]
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    everywhere: bool = False
    """Whether every operation is tried with it, instead of a few."""


@cache
def another_key(algorithm: str) -> SigningKey:
    """A key pair of the algorithm that is not the issuer's."""
    return SigningKey.made(algorithm)


def wrongly_signed(header: Mapping[str, object], claims: object) -> str:
    """A token that is signed by the algorithm of its header, not with the issuer's key."""
    algorithm = str(header.get("alg"))
    if algorithm in get_args(Algorithm) and not is_symmetric(algorithm):
        return signed_by(another_key(algorithm), header, claims)
    used = algorithm if is_symmetric(algorithm) else "HS256"
    return signed(header, claims, secret=ANOTHER_SECRET, algorithm=used)


def bearer(
    expected: frozenset[int], kinds: Iterator[tuple[str, str]] | Mapping[str, str]
) -> Iterator[Credential]:
    """Bearer tokens by name; a name that ends in `!` is tried on every operation."""
    for name, token in kinds.items() if isinstance(kinds, Mapping) else kinds:
        yield Credential(
            name=name.removesuffix("!"),
            expected=expected,
            headers={"authorization": f"Bearer {token}"},
            everywhere=name.endswith("!"),
        )


def invalid_credentials(org: Organization) -> Iterator[Credential]:
    """Credentials that must not be accepted, made from valid tokens of the organization."""
    good, other = org.tokens[org.roles[0]], org.tokens[org.roles[-1]]
    yield from _without_a_token()
    yield from _in_wrong_place(good)
    yield from bearer(UNAUTHORIZED, _similar(good, other))
    yield from bearer(
        NOT_A_TOKEN,
        {
            "one word!": "garbage",
            "three words": "a.b.c",
            "dots": "...",
            "five parts": f"{good}.x.y",
            "a good token and more": f"{good}x",
            "a token twice": f"{good} {good}",
            "letters beyond ASCII": "é.é.é",
            "a very long word": "x" * 6000,
        },
    )


def invalid_or_forged_credentials(org: Organization) -> Iterator[Credential]:
    """The same, and forgeries that need no secret, only a valid token."""
    yield from invalid_credentials(org)
    good = org.tokens[org.roles[0]]
    everywhere = {f"{name}!": token for name, token in forged_from(good).items()}
    yield from bearer(UNAUTHORIZED, everywhere)
    yield from bearer(UNAUTHORIZED, _more_forged(good))


def forged_from(token: str) -> dict[str, str]:
    """Forgeries of a token that do not need the issuer's secret."""
    known = _read(token)
    if known is None:
        middle = len(token) // 2
        other = "a" if token[middle] != "a" else "b"
        return {"a letter changed": token[:middle] + other + token[middle + 1 :]}
    header, claims = known
    return {
        "wrong key": wrongly_signed(header, claims),
        "alg: none": unsigned({"alg": "none", "typ": "JWT"}, claims),
    }


def _more_forged(token: str) -> Iterator[tuple[str, str]]:
    known = _read(token)
    if known is None:
        return
    header, claims = known
    for spelling in ("None", "NONE", "nOnE"):
        yield f"alg: {spelling}", unsigned({"alg": spelling, "typ": "JWT"}, claims)
    yield "no signature", unsigned(header, claims)
    for weak in ("", "secret"):
        yield f"signed with {weak!r}", signed(header, claims, secret=weak)
    changed = unsigned(header, claims | {"sub": "00000000-0000-4000-8000-000000000000"})
    yield "claims changed after signing", changed + token.rpartition(".")[2]


def _read(token: str) -> tuple[Mapping[str, Any], dict[str, Any]] | None:
    """Header and claims of a JWT, not verified; None for a token of another kind."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
        return jwt.get_unverified_header(token), claims
    except jwt.InvalidTokenError:
        return None


def _similar(good: str, other: str) -> Iterator[tuple[str, str]]:
    """Tokens that share parts with a valid one.

    More than the last letter changes: in Base64 it may have no effect on the signature.
    """
    beginning, rest = good[:BEGINNING], good[BEGINNING:]
    yield "the beginning of a good token, then another end!", f"{beginning}{rest[::-1]}x"
    yield "the beginning of a good token", good[: len(good) // 2]
    yield "the end of a good token", good[len(good) // 2 :]
    yield "a good token in other letters", good.swapcase()
    half = len(good) // 2
    yield "halves of two good tokens", f"{good[:half]}{other[::-1][half:]}"


def _without_a_token() -> Iterator[Credential]:
    yield Credential(name="no token", expected=UNAUTHORIZED, everywhere=True)
    basic = b64encode(b"owner:password").decode()
    for name, value in {
        "an empty Authorization": "",
        "a scheme without a token": "Bearer",
        "a blank token": "Bearer  ",
        "another scheme": f"Basic {basic}",
    }.items():
        yield Credential(name=name, expected=UNAUTHORIZED, headers={"authorization": value})


def _in_wrong_place(good: str) -> Iterator[Credential]:
    """A valid token in a wrong place: URLs are logged, cookies are sent by other sites."""
    for name in ("access_token", "token", "jwt", "authorization"):
        yield Credential(
            name=f"a good token as ?{name}=", expected=UNAUTHORIZED, query={name: good}
        )
    for header in ("cookie", "x-authorization", "x-access-token", "proxy-authorization"):
        value = f"access_token={good}; token={good}" if header == "cookie" else f"Bearer {good}"
        yield Credential(
            name=f"a good token as {header}", expected=UNAUTHORIZED, headers={header: value}
        )
