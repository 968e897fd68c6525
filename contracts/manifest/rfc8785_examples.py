"""Filters that only RFC 8785 serializes right, and other serializations of the same document."""

import json
import re
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
"""Every JSON implementation keeps every value (RFC 7493), and RFC 8785 has one form for each."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d[-+.\deE]*')
"""A string or a number in a JSON text."""


def pretty(document: dict[str, Any]) -> str:
    """Write with line breaks and spaces, keys in reverse order, and few escapes."""
    return json.dumps(_reversed(document), indent=3, ensure_ascii=False)


def escaped(document: dict[str, Any]) -> str:
    """Write every character of every string as an escape, ASCII as well."""

    def escape(token: re.Match[str]) -> str:
        if not token[0].startswith('"'):
            return token[0]
        units = json.loads(token[0]).encode("utf-16-be").hex(" ", 2)
        return '"' + "".join(f"\\u{unit}" for unit in units.split()) + '"'

    return _TOKEN.sub(escape, json.dumps(document))


def respelled(document: dict[str, Any]) -> str:
    """Write the numbers of `filters` with other digits and exponents for the same values."""

    def respell(token: re.Match[str]) -> str:
        if token[0].startswith('"'):
            return token[0]
        number = float(token[0])
        if number % 1:
            return f"{format(Decimal(token[0]) * 10, 'f')}0e-1"
        return f"{number:.0f}.0E0"

    filters = _TOKEN.sub(respell, json.dumps(document["filters"]))
    rest = {name: value for name, value in document.items() if name != "filters"}
    return f'{{"filters": {filters}, {json.dumps(rest)[1:]}'


SERIALIZATIONS: dict[str, Callable[[dict[str, Any]], str]] = {
    "pretty, keys in reverse order": pretty,
    "escaped": escaped,
    "numbers spelled otherwise": respelled,
}
"""The same document as other texts, by name: RFC 8785 makes one text of all of them."""


def _reversed(document: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(document, dict):
        return {name: _reversed(document[name]) for name in reversed(document)}
    return [_reversed(item) for item in document] if isinstance(document, list) else document
