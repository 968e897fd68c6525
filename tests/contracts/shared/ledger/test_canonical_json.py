import hashlib

import pytest

from contracts.shared.ledger.canonical_json import NotStorable, jsonb_pretty

VECTORS = {
    # keys: by the length of their bytes, then by the bytes; the last of equal ones wins
    '{"b":1,"a":2,"aa":3,"é":4}': '{\n    "a": 2,\n    "b": 1,\n    "aa": 3,\n    "é": 4\n}',
    '{"a":1,"a":2}': '{\n    "a": 2\n}',
    # empty containers span two lines, at every depth
    "{}": "{\n}",
    "[]": "[\n]",
    '{"a":{},"b":[[]]}': '{\n    "a": {\n    },\n    "b": [\n        [\n        ]\n    ]\n}',
    "[1,[2,3]]": "[\n    1,\n    [\n        2,\n        3\n    ]\n]",
    # numbers keep their scale and lose their exponent
    "1.10": "1.10",
    "1e3": "1000",
    "1.50e1": "15.0",
    "1e-7": "0.0000001",
    "-0": "0",
    "-0.0": "0.0",
    "0e5": "0",
    "0e-5": "0.00000",
    "-0.00E-1": "0.000",
    "123456789012345678901234567890.10": "123456789012345678901234567890.10",
    "1.0E+2": "100",
    # only what must be escaped is escaped
    r'"\u0001\b\f\n\r\t\"\\\/\u007f\u00e9\u2028\ud83d\ude00"': (
        '"\\u0001\\b\\f\\n\\r\\t\\"\\\\/\x7fé\u2028😀"'
    ),
    "null": "null",
    " [ true , false ] ": "[\n    true,\n    false\n]",
}
"""What PostgreSQL 18 answered to `SELECT jsonb_pretty(…::jsonb)`."""


@pytest.mark.parametrize(("document", "pretty"), VECTORS.items())
def test_pinned_vectors(document: str, pretty: str) -> None:
    assert jsonb_pretty(document) == pretty


@pytest.mark.parametrize(
    "document",
    [r'"\u0000"', r'"\ud800"', r'{"\udc00": 1}', "NaN", '{"a": -Infinity}', "[1,]", "01", '"\x01"'],
)
def test_what_jsonb_refuses_is_refused(document: str) -> None:
    with pytest.raises(NotStorable):
        jsonb_pretty(document)


def test_enormous_numbers_are_written_out() -> None:
    assert jsonb_pretty("1e400") == "1" + "0" * 400
    assert jsonb_pretty("-1e-400") == "-0." + "0" * 399 + "1"


def test_the_form_has_not_changed() -> None:
    everything = "[" + ",".join(VECTORS) + "]"
    digest = hashlib.sha256(jsonb_pretty(everything).encode()).hexdigest()
    assert digest == "bc2b150cc1637f4ab68a67934f4ae1dc5e2406b505d34177877ccfe643b2a685"
