"""PostgreSQL's `jsonb_pretty` and its `jsonb` as text, rebuilt without PostgreSQL.

The rules, found by experiment and tested against a real database: keys are sorted by the length
of their UTF-8 bytes, then by the bytes; of equal keys the last one wins; four spaces of indent;
empty containers take two lines; numbers keep their scale and lose their exponent; only characters
that JSON must escape are escaped.
"""

import json
import re
from decimal import Decimal
from typing import NoReturn

JsonValue = None | bool | int | Decimal | str | list["JsonValue"] | dict[str, "JsonValue"]

INDENT = "    "

_ESCAPES = {
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    '"': r"\"",
    "\\": r"\\",
}
_TO_ESCAPE = re.compile(r'[\x00-\x1f"\\]')
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


class NotStorable(ValueError):
    """A document that PostgreSQL's `jsonb` refuses: invalid JSON, NUL, a lone surrogate, NaN."""


def jsonb_pretty(text: str) -> str:
    """Give what `jsonb_pretty(text::jsonb)` gives. Raises `NotStorable` where the cast does."""
    return canonical_text(parse(text))


def parse(text: str) -> JsonValue:
    """Read a JSON text as `jsonb` does: numbers exactly, the last of equal keys."""
    try:
        value: JsonValue = json.loads(
            text, parse_float=Decimal, parse_int=Decimal, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError) as error:
        raise NotStorable(str(error)) from error
    return value


def canonical_text(value: JsonValue) -> str:
    """Write a document as `jsonb_pretty` writes it."""
    return "".join(_pieces(value, ""))


def compact_text(value: JsonValue) -> str:
    """Write a document as a `jsonb` is written that is cast to text."""
    if isinstance(value, dict):
        members = (f"{_string(key)}: {compact_text(value[key])}" for key in _in_order(value))
        return "{" + ", ".join(members) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(compact_text, value)) + "]"
    return _scalar(value)


def _pieces(value: JsonValue, indent: str) -> list[str]:
    if isinstance(value, dict):
        deeper = indent + INDENT
        members = [
            [deeper, _string(key), ": ", *_pieces(value[key], deeper)] for key in _in_order(value)
        ]
        return _container("{", "}", members, indent)
    if isinstance(value, list):
        deeper = indent + INDENT
        return _container("[", "]", [[deeper, *_pieces(item, deeper)] for item in value], indent)
    return [_scalar(value)]


def _container(opening: str, closing: str, members: list[list[str]], indent: str) -> list[str]:
    pieces = [opening, "\n"]
    for number, member in enumerate(members):
        pieces += [",\n", *member] if number else member
    if members:
        pieces.append("\n")
    return [*pieces, indent, closing]


def _scalar(value: bool | int | Decimal | str | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    return _number(Decimal(value))


def _number(value: Decimal) -> str:
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int), "NaN and infinities are refused while reading"
    if value.is_zero():
        return "0." + "0" * -exponent if exponent < 0 else "0"
    if exponent > 0:
        return ("-" if sign else "") + "".join(map(str, digits)) + "0" * exponent
    return format(value, "f")


def _string(value: str) -> str:
    if _NOT_STORABLE.search(value):
        raise NotStorable("jsonb cannot store NUL or lone surrogates")
    return f'"{_TO_ESCAPE.sub(_escape, value)}"'


def _escape(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04x}"


def _in_order(document: dict[str, JsonValue]) -> list[str]:
    return sorted(document, key=_key_order)


def _key_order(key: str) -> tuple[int, bytes]:
    encoded = key.encode("utf-8", "surrogatepass")
    return len(encoded), encoded


def _refuse_constant(name: str) -> NoReturn:
    raise NotStorable(f"{name} is not a JSON number")
