"""Words of a command line that would do something else than was asked for."""

import pytest

from harness.cli import _refuse_empty
from harness.cli.pytest_words import refuse_debugger_elsewhere
from harness.errors import Misconfigured


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--only", ""], "the value after --only is empty"),
        (["--target", "", "checks"], "the value after --target is empty"),
        (["--out="], "--out has an empty value"),
        (["checks", ""], "an argument is empty"),
    ],
)
def test_an_empty_value_is_a_variable_that_is_not_set(words: list[str], told: str) -> None:
    with pytest.raises(Misconfigured, match=told):
        _refuse_empty(words)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--allow-inconclusive", ""],
        ["--allow-inconclusive="],
        ["--", "-k", ""],
        ["--seed", "7"],
    ],
)
def test_what_may_be_empty(words: list[str]) -> None:
    _refuse_empty(words)


@pytest.mark.parametrize(
    "words",
    [
        ["-n", "2", "-x", "--pdb"],
        ["-n2", "--trace"],
        ["--pdb", "--numprocesses=auto"],
        ["--pdb", "-n", "1"],
    ],
)
def test_a_debugger_has_no_terminal_in_other_processes(words: list[str]) -> None:
    with pytest.raises(Misconfigured, match="leave -n out"):
        refuse_debugger_elsewhere(words)


@pytest.mark.parametrize(
    "words", [[], ["--pdb"], ["--pdb", "-n0"], ["-n", "2", "-x"], ["-n", "no", "--pdb"]]
)
def test_a_debugger_in_pytests_own_process(words: list[str]) -> None:
    refuse_debugger_elsewhere(words)
