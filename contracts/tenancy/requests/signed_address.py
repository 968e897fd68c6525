"""Changes of a signed address, none of which may open anything that the address itself does not.

Which part of an address is the signature, and which the time, is not known: each is changed by
itself, and only what no honest storage would accept counts.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import unquote, urlsplit, urlunsplit

LATER = timedelta(days=1)
"""By how much an attacker would make an address last longer."""

_STAMP = re.compile(r"\d{8}T\d{6}Z")
_SECONDS, _MILLISECONDS = re.compile(r"\d{9,10}"), re.compile(r"\d{12,13}")
_LIFETIME = re.compile(r"\d{1,8}")

LEAST_NAME = 8
"""Shorter texts may be in any address by chance."""

LEAST_SECRET = 16
"""Letters and digits beside a name that may be a signature."""


def without_query(address: str) -> str:
    """Give an address without its query."""
    return urlunsplit(urlsplit(address)._replace(query=""))


def with_changed_query(address: str) -> Iterator[tuple[str, str]]:
    """Give the address with each value of its query changed a little, by the value's name.

    A number becomes the next one, so that a time is not over. In a text with dots, as a token has
    them, the last part changes, which is its signature.
    """
    for name, value, replaced in _values(address):
        if value:
            yield name, replaced(str(int(value) + 1) if value.isdecimal() else _altered(value))


def lasting_longer(address: str) -> Iterator[tuple[str, str]]:
    """Give the address with each value that may be a time set to a later one, by its name."""
    now = datetime.now(UTC)
    for name, value, replaced in _values(address):
        if _STAMP.fullmatch(value):
            yield name, replaced(now.strftime("%Y%m%dT%H%M%SZ"))
        elif _SECONDS.fullmatch(value):
            yield name, replaced(str(int((now + LATER).timestamp())))
        elif _MILLISECONDS.fullmatch(value):
            yield name, replaced(str(int((now + LATER).timestamp() * 1000)))
        elif _LIFETIME.fullmatch(value):
            yield name, replaced(str(int(LATER.total_seconds()) + int(value)))


def led_astray(address: str, other: str, names_of_other: frozenset[str]) -> Iterator[str]:
    """Give the address with its object replaced by another one's, of which `other` is the address.

    A client with the first may know the `names_of_other` (IDs, paths, file names), and not what
    opens it: only parts that are such names are taken from there.
    """
    one, two = urlsplit(address), urlsplit(other)
    steps, theirs = one.path.split("/"), two.path.split("/")
    path = one.path
    if len(steps) == len(theirs):
        path = "/".join(
            there if here != there and _is_name(there, names_of_other) else here
            for here, there in zip(steps, theirs, strict=True)
        )
    named = {name: part for name, part in _parts(two.query) if _has_name(part, names_of_other)}
    query = "&".join(named.get(name, part) for name, part in _parts(one.query))
    led = urlunsplit(one._replace(path=path, query=query))
    if led != address:
        yield led


def holds(address: str, secret: str) -> bool:
    """Whether a text is in an address, as it is or escaped."""
    return secret in address or secret in unquote(address)


def _values(address: str) -> Iterator[tuple[str, str, Callable[[str], str]]]:
    """Give name and value of each part of a query, and what puts another value in its place."""
    split = urlsplit(address)
    parts = split.query.split("&") if split.query else []

    def replaced(number: int, begin: str, value: str) -> str:
        changed = [*parts[:number], begin + value, *parts[number + 1 :]]
        return urlunsplit(split._replace(query="&".join(changed)))

    for number, part in enumerate(parts):
        name, equals, value = part.partition("=")
        if equals:
            yield unquote(name), value, partial(replaced, number, f"{name}=")
        else:
            yield "query", name, partial(replaced, number, "")


def _parts(query: str) -> list[tuple[str, str]]:
    return [(part.partition("=")[0], part) for part in query.split("&")] if query else []


def _has_name(part: str, names: frozenset[str]) -> bool:
    return _is_name(part.partition("=")[2], names)


def _is_name(part: str, names: frozenset[str]) -> bool:
    """Whether a part is known to who knows these names: no secret is left beside them."""
    text = rest = unquote(part)
    if len(text) >= LEAST_NAME and any(text in name for name in names):
        return True
    for name in sorted(names, key=len, reverse=True):
        if len(name) >= LEAST_NAME:
            rest = rest.replace(name, "")
    return rest != text and sum(map(str.isalnum, rest)) < LEAST_SECRET


def _altered(value: str) -> str:
    """Change a letter or digit in the middle of a value's last part."""
    begin = value.rfind(".") + 1
    escaped = {at + more for at, letter in enumerate(value) if letter == "%" for more in (1, 2)}
    places = [at for at in range(begin, len(value)) if value[at].isalnum() and at not in escaped]
    places = places or [len(value) - 1]
    at = places[len(places) // 2]
    letter = value[at]
    kind = "12" if letter.isdigit() else "AB" if letter.isupper() else "ab"
    return value[:at] + kind[kind[0] == letter] + value[at + 1 :]
