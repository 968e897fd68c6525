"""What of SQL is code, where it ends, and what is bound in it."""

import pytest

from harness.target.sql.bound_sql import bound_statements, quoted_placeholders


def test_each_place_is_a_parameter_of_its_own() -> None:
    (only,) = bound_statements("INSERT INTO t VALUES ({user}, {user}::text, {role})")
    assert only.sql == "INSERT INTO t VALUES (%(p0)s, %(p1)s::text, %(p2)s)"
    values = {"user": "u", "role": "r", "other": "o"}
    assert only.parameters(values) == {"p0": "u", "p1": "u", "p2": "r"}


def test_a_text_ends_at_each_semicolon_that_is_code() -> None:
    text = """
    -- a comment; with {user}
    INSERT INTO a VALUES ('x;y', {user}); /* ; */
    DO $body$ BEGIN PERFORM 1; END $body$;
    INSERT INTO "b;c" VALUES (E'it\\'s; {role}', $$;{name}$$)
    """
    found = [each.sql for each in bound_statements(text)]
    assert found == [
        "INSERT INTO a VALUES ('x;y', %(p0)s)",
        "DO $body$ BEGIN PERFORM 1; END $body$",
        "INSERT INTO \"b;c\" VALUES (E'it\\'s; {role}', $$;{name}$$)",
    ]


def test_a_percent_sign_stays_one() -> None:
    (only,) = bound_statements("SELECT 7 % 2, 'a%(p0)s' WHERE x LIKE {name}")
    assert only.sql == "SELECT 7 %% 2, 'a%%(p0)s' WHERE x LIKE %(p0)s"


def test_what_is_in_quotes_is_found() -> None:
    assert quoted_placeholders("SELECT '{user}', {role}, $$ {name} $$ -- '{organization}'") == (
        "user",
        "name",
    )
    assert quoted_placeholders("""SELECT '{"a": 1}'::jsonb, '{1,2}'::int[]""") == ()


@pytest.mark.parametrize("text", ["", " ;; ", "-- nothing\n;", "/* nothing */"])
def test_nothing_is_no_statement(text: str) -> None:
    assert bound_statements(text) == ()
