import pytest

from harness.errors import Misconfigured
from harness.postgres.statements import statements


def cut(text: str) -> list[tuple[int, str]]:
    return [(one.line, one.text) for one in statements(text, "prelude.sql")]


def test_at_semicolons_with_their_lines() -> None:
    text = "-- a; b\nCREATE ROLE a;\n\n  /* c; /* d; */ e; */ CREATE\nROLE b ; ;\nSELECT 1\n"
    assert cut(text) == [(2, "CREATE ROLE a"), (4, "CREATE\nROLE b "), (6, "SELECT 1")]
    assert cut("-- nothing\n;;\n") == []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 'a;''b'",
        r"SELECT E'a\';b'",
        r"SELECT 'a\'",  # a backslash is nothing special without an E
        'SELECT 1 AS "a;""b"',
        "DO $$ BEGIN NULL; END $$",
        "DO $body$ BEGIN PERFORM $$;$$; END $body$",
        "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END",
        "CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END",
        "SELECT a$b$ FROM (VALUES (1)) AS t (a$b$)",
        "SELECT '%', 1 % 2",
    ],
)
def test_not_within_a_statement(statement: str) -> None:
    assert cut(f"{statement};\nSELECT 2;") == [
        (1, statement),
        (2, "SELECT 2"),
    ]


def test_a_transaction_is_no_body() -> None:
    assert [text for _, text in cut("BEGIN; SELECT 1; END; SELECT 2")] == [
        "BEGIN",
        "SELECT 1",
        "END",
        "SELECT 2",
    ]


def test_the_line_of_a_place_in_a_statement() -> None:
    (statement,) = statements("\n\nSELECT\n  1,\n  oops", "x")
    assert statement.line_at(None) == 3
    assert statement.line_at(statement.text.index("oops") + 1) == 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1;\nSELECT 'a;", "prelude.sql:2: the text in ' that begins here has no end"),
        ("SELECT $x$ a $y$", "prelude.sql:1: the text in $x$ that begins here has no end"),
        ("\n/* a /* b */", "prelude.sql:2: the comment that begins here has no end"),
        (
            "SELECT 1;\n\\connect other\n",
            r"prelude.sql:2: expected SQL, got psql's own command \connect; take it out",
        ),
    ],
)
def test_what_is_no_sql(text: str, expected: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        cut(text)
    assert str(caught.value) == expected
