import pytest
from psycopg import pq

from harness.explore.protocol.statement import Statement, quote


def test_named_places_are_filled_with_literals() -> None:
    statement = Statement(sql="SELECT f(%(worker)s, %(limit)s, %(token)s) WHERE x LIKE 'a%%'")
    assert statement.parameters == {"worker", "limit", "token"}
    filled = statement.fill({"worker": "it's A", "limit": 3, "token": None, "more": 1})
    assert filled == "SELECT f('it''s A', 3, NULL) WHERE x LIKE 'a%'"


def test_a_percent_sign_alone_is_left_alone() -> None:
    assert Statement(sql="SELECT 5 % 3").fill({}) == "SELECT 5 % 3"


def test_what_nobody_fills_in_is_named() -> None:
    statement = Statement(sql="SELECT %(worker)s, %(wroker)s, %()s")
    assert statement.unknown_parameters(["worker"]) == ["", "wroker"]
    with pytest.raises(KeyError):
        statement.fill({"worker": "A"})


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        ("", "''"),
        ("a\\'b", " E'a\\\\''b'"),
        (-5, "(-5)"),
        (7, "7"),
        (None, "NULL"),
        ("%(worker)s", "'%(worker)s'"),
    ],
)
def test_literals(value: str | int | None, literal: str) -> None:
    assert quote(value) == literal


def test_libpq_agrees_about_texts() -> None:

    for text in ("plain", "it's", "back\\slash", "both\\'", "ünï"):
        escaped = pq.Escaping().escape_string(text.encode()).decode()
        ours = quote(text).strip().removeprefix("E")[1:-1]
        assert ours.replace("\\\\", "\\") == escaped.replace("\\\\", "\\")


def test_a_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        quote("a\0b")
