"""What opens nothing, whoever makes the tokens: none, one in a wrong place, half of one."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

from harness.client import Organization
from harness.client.tokens import signed, unsigned

ANOTHER_SECRET = "a key that is not the issuer's, and just as long as one of his"  # noqa: S105

UNAUTHORIZED = frozenset({401})
NOT_A_TOKEN = frozenset({400, 401, 431})
"""For what a server may refuse before anybody looks for a token in it."""

BEGINNING = 24
"""Letters that two tokens may have in common: who looks at no more takes one for the other."""


@dataclass(frozen=True, kw_only=True)
class Credential:
    """What somebody shows who wants to get in, and what may be answered."""

    name: str
    expected: frozenset[int]
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    everywhere: bool = False
    """Whether every operation is tried with it, not a few."""


def bearer(
    expected: frozenset[int], kinds: Iterator[tuple[str, str]] | Mapping[str, str]
) -> Iterator[Credential]:
    """Tokens by name, sent as they should be; a name that ends in `!` is tried everywhere."""
    for name, token in kinds.items() if isinstance(kinds, Mapping) else kinds:
        yield Credential(
            name=name.removesuffix("!"),
            expected=expected,
            headers={"authorization": f"Bearer {token}"},
            everywhere=name.endswith("!"),
        )


def invalid_credentials(org: Organization) -> Iterator[Credential]:
    """All that must not get in and takes no token but the mightiest user's own."""
    good, other = org.tokens[org.roles[0]], org.tokens[org.roles[-1]]
    yield from _without_a_token()
    yield from _elsewhere(good)
    yield from bearer(UNAUTHORIZED, _like(good, other))
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
    """The same, and what whoever has seen that token can make of it."""
    yield from invalid_credentials(org)
    good = org.tokens[org.roles[0]]
    everywhere = {f"{name}!": token for name, token in forged_from(good).items()}
    yield from bearer(UNAUTHORIZED, everywhere)
    yield from bearer(UNAUTHORIZED, _more_forged(good))


def forged_from(token: str) -> dict[str, str]:
    """What whoever has seen a token can make of it without the issuer's secret."""
    known = _read(token)
    if known is None:
        middle = len(token) // 2
        other = "a" if token[middle] != "a" else "b"
        return {"a letter changed": token[:middle] + other + token[middle + 1 :]}
    header, claims = known
    return {
        "wrong key": signed(header, claims, secret=ANOTHER_SECRET),
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
    """Header and claims of a JWT, None for a token of another kind.

    Only read: whether it is genuine is the backend's business.
    """
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
        return jwt.get_unverified_header(token), claims
    except jwt.InvalidTokenError:
        return None


def _like(good: str, other: str) -> Iterator[tuple[str, str]]:
    """What shares much with a good token; its last letters are another's, or changed well before.

    Of a signature in Base64 the very last letter may say nothing.
    """
    beginning, rest = good[:BEGINNING], good[BEGINNING:]
    yield "what begins like a good token!", f"{beginning}{rest[::-1]}x"
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


def _elsewhere(good: str) -> Iterator[Credential]:
    """A good token where none belongs: addresses are logged, cookies sent for others."""
    for name in ("access_token", "token", "jwt", "authorization"):
        yield Credential(
            name=f"a good token as ?{name}=", expected=UNAUTHORIZED, query={name: good}
        )
    for header in ("cookie", "x-authorization", "x-access-token", "proxy-authorization"):
        value = f"access_token={good}; token={good}" if header == "cookie" else f"Bearer {good}"
        yield Credential(
            name=f"a good token as {header}", expected=UNAUTHORIZED, headers={header: value}
        )
