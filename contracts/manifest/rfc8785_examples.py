"""Filters that come out wrong wherever JSON is not serialized by RFC 8785, and other spellings."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

FILTERS: dict[str, Any] = {
    "phase": "after",
    "range": {"from": 1, "to": 2.5, "tags": ["a", "b", {"deep": "value"}]},
    "numbers": [0, -1, 100.0, 4.5, 0.000001, 1e-7, 2**53 - 1],
    # Two spellings of one letter, which normalizing makes one key.
    "\u00e9": "e\u0301",
    "e\u0301": "\u00e9",
    # In UTF-16, by which RFC 8785 sorts, the second comes first; by code points it does not.
    "\ufb33": 1,
    "\U0001f600": 2,
    "markup": "<b>&amp;</b> 'quoted' \u2028 a/b",
    "controls": '\b\t\n\f\r"\\\x01\x1f\x7f',
    "none": None,
    "yes": True,
    "no": False,
    "empty": {},
    "nothing": [],
    "": "an empty key",
}
"""Every value survives every implementation of JSON (RFC 7493), and comes out in one form only."""


def pretty(document: Any) -> str:  # noqa: ANN401 - any JSON
    """Write with line breaks and spaces, keys backwards, and only what must be escaped."""
    return json.dumps(_backwards(document), indent=3, ensure_ascii=False)


def escaped(document: Any) -> str:  # noqa: ANN401 - any JSON
    """Write every character of every text as an escape, ASCII as well."""
    return _write(document, text=_all_escapes, number=json.dumps)


def respelled(document: dict[str, Any]) -> str:
    """Write the numbers of `filters` with other digits and exponents for the same values."""
    filters = _write(document["filters"], text=json.dumps, number=_another_spelling)
    rest = {name: value for name, value in document.items() if name != "filters"}
    return f'{{"filters": {filters}, {json.dumps(rest)[1:]}'


SERIALIZATIONS: dict[str, Callable[[dict[str, Any]], str]] = {
    "pretty, keys backwards": pretty,
    "escaped": escaped,
    "numbers spelled otherwise": respelled,
}
"""By name: the same document as another text, which RFC 8785 makes the same again."""


def _backwards(document: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(document, dict):
        return {name: _backwards(document[name]) for name in reversed(document)}
    return [_backwards(item) for item in document] if isinstance(document, list) else document


def _write(document: Any, *, text: Callable[[str], str], number: Callable[[Any], str]) -> str:  # noqa: ANN401 - any JSON
    def write(value: Any) -> str:  # noqa: ANN401 - any JSON
        match value:
            case dict():
                members = (f"{text(name)}: {write(each)}" for name, each in value.items())
                return "{" + ", ".join(members) + "}"
            case list():
                return "[" + ", ".join(map(write, value)) + "]"
            case str():
                return text(value)
            case bool() | None:
                return json.dumps(value)
            case _:
                return number(value)

    return write(document)


def _all_escapes(text: str) -> str:
    units = text.encode("utf-16-be")
    return '"' + "".join(f"\\u{units[n : n + 2].hex()}" for n in range(0, len(units), 2)) + '"'


def _another_spelling(number: float) -> str:
    return f"{format(Decimal(repr(number)) * 10, 'f')}0e-1" if number % 1 else f"{number:.0f}.0E0"
