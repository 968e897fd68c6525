"""PostgreSQL's ``jsonb_pretty`` in Python, byte for byte.

It differs from Python's JSON and from RFC 8785: keys are ordered by the length of their UTF-8 form
and then by its bytes, the indent is four spaces, empty containers take two lines, numbers keep the
digits they were written with. Any change here needs a new ``canonical_version``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

JsonValue: TypeAlias = (
    "bool | int | Decimal | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
)

INDENT = "    "


def loads(text: str) -> JsonValue:
    """Parse JSON without losing digits: numbers become Decimal. The last of duplicate keys wins."""
    value: JsonValue = json.loads(text, parse_int=Decimal, parse_float=Decimal)
    return value


def jsonb_pretty(value: JsonValue) -> str:
    """What ``jsonb_pretty(value::jsonb)`` returns.

    Raises ValueError for what jsonb refuses (NUL, lone surrogates, NaN) and TypeError for a float,
    which may have lost digits (see `loads`).
    """
    text = "".join(_render(value, "\n"))
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"jsonb cannot contain lone surrogates: {error}") from None
    return text


def _render(value: JsonValue, line: str) -> Iterator[str]:
    """The pieces of the text; ``line`` is a line break with the indent of the current level."""
    match value:
        case None:
            yield "null"
        case bool():
            yield "true" if value else "false"
        case str():
            yield _string(value)
        case int() | Decimal():
            yield _number(Decimal(value))
        case Mapping():
            yield from _members(
                "{}",
                line,
                ((_string(key) + ": ", value[key]) for key in sorted(value, key=_key_order)),
            )
        case Sequence():
            yield from _members("[]", line, (("", item) for item in value))
        case _:
            raise TypeError(f"expected a JSON value with exact numbers, got {type(value).__name__}")


def _members(brackets: str, line: str, members: Iterator[tuple[str, JsonValue]]) -> Iterator[str]:
    yield brackets[0]
    separator = line + INDENT
    for label, member in members:
        yield separator + label
        yield from _render(member, line + INDENT)
        separator = "," + line + INDENT
    yield line + brackets[1]


def _key_order(key: str) -> tuple[int, bytes]:
    encoded = key.encode("utf-8", "surrogatepass")
    return len(encoded), encoded


def _string(value: str) -> str:
    if "\0" in value:
        raise ValueError("jsonb cannot contain NUL characters")
    return json.dumps(value, ensure_ascii=False)  # it escapes the same characters as PostgreSQL


def _number(value: Decimal) -> str:
    """PostgreSQL's numeric: exponents written out, trailing zeros kept, no negative zero."""
    if not value.is_finite():
        raise ValueError(f"jsonb cannot contain {value}")
    text = format(value.copy_abs(), "f")
    return f"-{text}" if value < 0 else text
