"""What an exception out of a check means."""

from pathlib import Path

import pytest

from harness.errors import CheckFailed, Inconclusive, Misconfigured
from harness.plugin.judging.findings import Outcome, judge
from harness.verdict import Verdict

HERE = Path(__file__)


def _judged(error: BaseException) -> Outcome:
    try:
        raise error
    except BaseException as raised:
        return judge(raised, HERE)


def test_a_broken_expectation_is_a_failure_with_its_parts_and_its_place() -> None:
    finding = _judged(CheckFailed(expected="201", got="500", detail="request 7"))
    assert finding.verdict is Verdict.FAIL
    assert (finding.expected, finding.got, finding.detail) == ("201", "500", "request 7")
    assert finding.message == "expected 201\ngot 500\nrequest 7"
    assert finding.where.startswith("tests/harness/plugin/judging/test_findings.py:")


def test_a_plain_assert_is_a_failure_with_its_explanation() -> None:
    finding = _judged(AssertionError("assert 1 == 2"))
    assert (finding.verdict, finding.message) == (Verdict.FAIL, "assert 1 == 2")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Inconclusive("no second tenant"), "no second tenant"),
        (Misconfigured("worker-1 died"), "worker-1 died"),
        (KeyError("data"), "the check crashed: KeyError: 'data', at "),
        (pytest.skip.Exception("not today"), "skipped: not today"),
    ],
)
def test_everything_else_leaves_the_question_open(error: BaseException, told: str) -> None:
    finding = _judged(error)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert told in finding.message


def test_of_a_group_a_failure_dominates_and_the_others_are_counted() -> None:
    group = ExceptionGroup("tasks", [KeyError("x"), ExceptionGroup("", [CheckFailed("a", "b")])])
    finding = _judged(group)
    assert finding.verdict is Verdict.FAIL
    assert finding.expected == "a"
    assert "1 more" in finding.message


def test_what_hypothesis_adds_to_a_failure_is_in_its_detail() -> None:
    error = CheckFailed(expected="a", got="b")
    error.add_note("Falsifying example: document={}")
    assert "Falsifying example" in _judged(error).detail


def test_a_place_outside_the_current_folder_is_given_so_that_it_can_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file, _, line = _judged(CheckFailed(expected="a", got="b")).where.rpartition(":")
    assert (Path(file), Path(file).is_file()) == (HERE, True)
    assert line.isdecimal()
