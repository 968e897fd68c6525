"""What opens nothing, whoever makes the tokens: none, one in a wrong place, half of one."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from harness.client import Organisation

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


def unfit(org: Organisation) -> Iterator[Credential]:
    """All that must not get in and takes no token but the owner's own."""
    good, other = org.tokens["owner"], org.tokens["viewer"]
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
