"""The canonical text in Python is jsonb_pretty()'s, byte for byte, on every document."""

import string
from decimal import Decimal

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reference_backend.ledger import canonical
from tests.reference_backend.conftest import Backend

# What jsonb takes as text: no NUL, no lone surrogates.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
keys = st.one_of(texts, st.text("ab\u00e9\U0001f600", max_size=3))


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """Numbers as they may be written, not as any program would write them back."""
    whole = draw(st.text(string.digits, min_size=1, max_size=25)).lstrip("0") or "0"
    fraction = draw(st.one_of(st.just(""), st.text(string.digits, min_size=1, max_size=25)))
    exponent = draw(st.one_of(st.just(""), st.integers(-40, 40).map(lambda n: f"e{n:+d}")))
    return draw(st.sampled_from(["", "-"])) + whole + (fraction and f".{fraction}") + exponent


def _written(text: str) -> str:
    """A JSON string in which every character is escaped, as it may be."""
    units = text.encode("utf-16-be")
    escaped = [f"\\u{units[i]:02X}{units[i + 1]:02x}" for i in range(0, len(units), 2)]
    return '"' + "".join(escaped) + '"'


def _container(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    members = st.tuples(keys.map(_written), children).map(" : ".join)
    return st.one_of(
        st.lists(children, max_size=4).map(lambda items: "[" + " ,".join(items) + "]"),
        # Lists, not dictionaries: keys may come twice.
        st.lists(members, max_size=5).map(lambda items: "{" + ", ".join(items) + "\n}"),
    )


documents = st.recursive(
    st.one_of(st.sampled_from(["null", "true", "false"]), numbers(), texts.map(_written)),
    _container,
    max_leaves=20,
)


@pytest.mark.integration
async def test_parity_with_the_database(backend: Backend) -> None:
    with psycopg.connect(backend.url, autocommit=True) as connection:

        @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
        @given(documents)
        def agree(document: str) -> None:
            row = connection.execute("SELECT jsonb_pretty(%s::jsonb)", [document]).fetchone()
            assert row is not None
            assert canonical.jsonb_pretty(canonical.loads(document)) == row[0]

        agree()


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("{}", "{\n}"),
        ("[]", "[\n]"),
        ('{"a": []}', '{\n    "a": [\n    ]\n}'),
        ('{"bb": 1, "a": 2, "\u00e9": 3}', '{\n    "a": 2,\n    "bb": 1,\n    "\u00e9": 3\n}'),
        ('{"a": 1, "a": 2}', '{\n    "a": 2\n}'),
        ("1.10", "1.10"),
        ("1e3", "1000"),
        ("1.5e-3", "0.0015"),
        ("-0.0", "0.0"),
        ("0e5", "0"),
        ("1e21", "1000000000000000000000"),
        (r'"\u007f\u001f\u000a\/\u00e9\"\\"', '"\x7f\\u001f\\n/\u00e9\\"\\\\"'),
    ],
)
def test_pinned(document: str, text: str) -> None:
    """jsonb's order is stable but not promised: these vectors are what version 1 means."""
    assert canonical.jsonb_pretty(canonical.loads(document)) == text


@pytest.mark.parametrize("value", ["\0", {"\0": 1}, "\ud800", Decimal("NaN"), Decimal("Infinity")])
def test_what_jsonb_refuses_is_refused(value: canonical.JsonValue) -> None:
    with pytest.raises(ValueError, match="jsonb cannot contain"):
        canonical.jsonb_pretty(value)


def test_floats_are_refused() -> None:
    with pytest.raises(TypeError, match="exact numbers"):
        canonical.jsonb_pretty([1.1])  # type: ignore[list-item]
