"""The text of a draft, and lines in it that would be refused."""

import tomllib

import pytest

from harness.errors import Misconfigured
from harness.init.checking import readable, variables_of
from harness.init.draft import Draft
from harness.init.guess import Certainty, Guess
from harness.init.project import Project
from harness.init.writing import Surroundings, written


def guess(*table: str, key: str = "k", value: str = "v", sure: int = 2, why: str = "so") -> Guess:
    return Guess(table=table, key=(key,), value=value, certainty=Certainty(sure), why=why)


def text(*guesses: Guess, project: Project | None = None, name: str = "n") -> str:
    draft = Draft(guesses=guesses, has_ledger=any(one.table == ("ledger",) for one in guesses))
    return written(draft, Surroundings(name=name, sources=["a document"], project=project))


def test_a_doubtful_line_is_a_comment_and_each_says_why() -> None:
    made = text(
        guess("contract", "fields", "job", key="title", value="/name", why="reads so"),
        guess("contract", "fields", "job", key="created_at", value="/when", sure=0, why="perhaps"),
    )
    assert 'title = "/name" # sure: reads so' in made
    assert '# created_at = "/when" # doubtful: perhaps' in made
    assert tomllib.loads(made)["contract"]["fields"]["job"] == {"title": "/name"}


def test_a_table_of_doubtful_lines_is_a_comment_as_well() -> None:
    assert "# [contract.archive]" in text(guess("contract", "archive", key="manifest", sure=0))


def test_what_a_document_says_cannot_leave_its_line() -> None:
    nasty = 'a"\n[tokens.mint]\nsecret = "b'
    made = text(guess("contract", "headers", key=nasty, value=nasty, why=nasty), name=nasty)
    loaded = tomllib.loads(made)
    assert loaded["contract"]["headers"] == {nasty: nasty}
    assert set(loaded["tokens"]) == {"given"}


def test_a_name_reads_no_variable() -> None:
    assert "{env:HOME}" not in text(name="x {env:HOME}")


def test_secrets_are_variables_by_the_names_of_the_project() -> None:
    project = Project(variables=("AUDIT_SALT_ID", "AUDIT_SALT", "JWT_SECRET", "PORT"))
    made = text(guess("ledger", key="table", value="log"), project=project)
    assert 'salts = { k1 = "{env:AUDIT_SALT}" }' in made
    assert "{env:JWT_SECRET}" in made


def test_a_line_that_would_be_refused_is_a_comment_with_the_reason() -> None:
    made = readable(text(guess("contract", "headers", key="X-Unheard-Of", value="X-Y")))
    assert '# X-Unheard-Of = "X-Y"' in made
    assert "refused: " in made


def test_a_table_that_would_be_refused_is_a_comment_as_a_whole() -> None:
    made = readable(text(guess("contract", "nonsense", "a", key="b")))
    assert "# [contract.nonsense.a]" in made
    assert '# b = "v"' in made


def test_a_file_that_cannot_be_mended_is_an_error() -> None:
    with pytest.raises(Misconfigured, match="cannot be read"):
        readable("name = 3\n[api]\n")


def test_the_variables_that_must_be_set_are_those_of_lines_that_count() -> None:
    made = text(guess("contract", "headers", key="a", value="{env:COUNTS}")) + "# {env:COMMENT}\n"
    variables = variables_of(made)
    assert variables == ("BACKEND_URL", "JWT_TOKEN", "COUNTS")
