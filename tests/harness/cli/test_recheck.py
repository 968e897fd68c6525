"""`shakedown recheck`: exit codes, and what is told of a file that is not as it should be."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli.recheck import recheck
from harness.errors import Misconfigured
from harness.verdict import ExitCode
from tests.harness.checkers.kill_story import write_story


def rechecked(*words: str | Path) -> Result:
    return CliRunner().invoke(recheck, [str(word) for word in words], standalone_mode=False)


def refused(*words: str | Path) -> str:
    problem = rechecked(*words).exception
    assert isinstance(problem, Misconfigured)  # which ends the command with exit code 3
    return str(problem)


@pytest.fixture
def history(tmp_path: Path) -> Path:
    write_story(tmp_path / "history.jsonl")
    return tmp_path / "history.jsonl"


def test_the_history_alone_is_enough(history: Path) -> None:
    assert [each.name for each in history.parent.iterdir()] == ["history.jsonl"]
    for given in (history.parent, history):
        done = rechecked(given, "--verbose")
        assert done.return_value == ExitCode.PASS
        assert "pass          chaos.worker-kill" in done.stdout
        assert "not looked at: ledger-chain: no whole ledger was read" in done.stdout


def test_what_is_wrong_is_told_and_is_a_fail(history: Path) -> None:
    text = history.read_text()
    history.write_text(text.replace('"state":"ready"', '"state":"failed"'))
    done = rechecked(history)
    assert done.return_value == ExitCode.FAIL
    assert "[not-ready] expected export" in done.stdout


def test_a_cut_last_line_is_told_and_is_inconclusive(history: Path) -> None:
    history.write_bytes(history.read_bytes()[:-3])
    done = rechecked(history)
    assert done.return_value == ExitCode.INCONCLUSIVE
    assert "is cut, after line 31" in done.stderr
    assert "the last line of the file is cut" in done.stdout


def test_one_check_alone(history: Path) -> None:
    assert rechecked(history, "--only", "chaos.worker-kill").return_value == ExitCode.PASS
    assert rechecked(history, "--only", "load.*,chaos.*").return_value == ExitCode.PASS
    assert "expected ids or patterns" in refused(history, "--only", ",")
    none = rechecked(history, "--only", "load.exactly-once")
    assert none.return_value == ExitCode.INCONCLUSIVE
    assert "nothing can be judged; it has those of chaos.worker-kill" in none.stderr


def test_what_a_missing_line_may_explain_is_told_and_does_not_count(history: Path) -> None:
    lines = history.read_text().splitlines(keepends=True)
    history.write_text("".join(line for line in lines if '"kind":"harmed"' not in line))
    done = rechecked(history)
    assert done.return_value == ExitCode.INCONCLUSIVE
    assert "not counted (it may follow from what the file lacks): [repeated]" in done.stdout
    assert "INCONCLUSIVE: 1 check judged again" in done.stdout


def test_another_file_is_refused(tmp_path: Path) -> None:
    assert "there is no" in refused(tmp_path)
    file = tmp_path / "history.jsonl"
    file.touch()
    assert "no line that says its schema" in refused(tmp_path)
    file.write_text('{"i":0,"t_ns":5,"process":"p","type":"ok","f":"getJob"}\n')
    assert "history.jsonl:1: expected a history entry" in refused(tmp_path)
    file.write_text("# Notes\n")
    assert "history.jsonl:1: expected a history entry" in refused(tmp_path)


def test_a_damaged_line_is_named(history: Path) -> None:
    lines = history.read_text().splitlines(keepends=True)
    history.write_text("".join([*lines[:4], "nonsense\n", *lines[4:]]))
    assert "history.jsonl:5: expected a history entry" in refused(history)
