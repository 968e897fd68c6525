import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.untrusted.documents import MAX_DOCUMENT_BYTES, BadDocument, parse

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
)


@given(JSON, st.booleans())
def test_documents_are_read_as_they_were_written(value: object, ascii_only: bool) -> None:
    assert parse(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "Expecting value"),
        (b"<html>", "Expecting value"),
        (b'{"a":1}{"b":2}', "Extra data"),
        (b'"\xff"', "utf-8"),
        ("{}".encode("utf-16"), "utf-8"),
        (b'{"a":1,"a":2}', "the name 'a' twice"),
        (b'[{"x":{"b":1,"c":2,"b":3}}]', "the name 'b' twice"),
        (b'["\\ud800"]', "surrogate"),
        (b'{"\\uDFFF":1}', "surrogate"),
        (b"NaN", "NaN"),
        (b"[-Infinity]", "-Infinity"),
        (b"1" * 1_000_000, "1000000 digits"),
        (b"[" * 1_000_000, "nested"),
        (b'{"a":' * 500_000, "nested"),
        (b" " * (MAX_DOCUMENT_BYTES + 1), "more than"),
    ],
)
def test_what_nobody_can_rely_on_is_refused_with_the_reason(text: bytes, reason: str) -> None:
    with pytest.raises(BadDocument, match=reason):
        parse(text)


def test_what_only_looks_like_half_a_pair_is_read() -> None:
    assert parse(b'"\\\\ud800 \\ud83d\\ude42"') == "\\ud800 🙂"
