"""A defect counts as killed only when a check fails whose business it is."""

import pytest

from harness.prove.markdown import as_markdown
from harness.prove.matrix import DefectResult, GateRun, Matrix, joined, never_failed
from harness.prove.zoo import Defect

DEFECT = Defect(
    id="no-lock", title="a | title", family="claim", source="P2", expected=("claim.per-org-cap",)
)
PASSED = GateRun(exit_code=0, checks=("claim.per-org-cap", "hash.chain"), failed=(), seconds=1.0)
CRIED_WOLF = GateRun(exit_code=1, checks=(), failed=("hash.chain",), seconds=1.0)


def result(*caught_by: str, problem: str = "") -> DefectResult:
    return DefectResult(defect=DEFECT, caught_by=caught_by, seconds=1.0, problem=problem)


@pytest.mark.parametrize(
    ("attempt", "state"),
    [
        (result("claim.per-org-cap"), "killed"),
        (result("hash.chain", "claim.per-org-cap"), "killed"),
        (result("claim.per-org-cap", problem="inconclusive: hash.chain"), "killed"),
        (result("hash.chain"), "caught elsewhere"),
        (result(), "survived"),
        (result(problem="the gate ended with 3"), "not judged"),
    ],
)
def test_state(attempt: DefectResult, state: str) -> None:
    assert attempt.state == state


def test_holds_only_when_all_are_killed_and_clean_passes_and_no_check_is_idle() -> None:
    killed = (result("claim.per-org-cap"),)
    assert Matrix(clean=(PASSED,), results=killed).holds
    assert not Matrix(clean=(PASSED, CRIED_WOLF), results=killed).holds
    assert not Matrix(clean=(PASSED,), results=(*killed, result())).holds
    assert not Matrix(clean=(PASSED,), results=killed, never_failed=("hash.chain",)).holds
    idle = Matrix(clean=(PASSED,), results=killed, never_failed=("hash.chain",), every_check=False)
    assert idle.holds  # a team's own zoo need not have a defect for each check
    assert not Matrix(clean=(PASSED,), results=()).holds


def test_a_check_that_never_failed_is_named() -> None:
    assert never_failed(PASSED.checks, [result("claim.per-org-cap")]) == ("hash.chain",)


def test_markdown_is_one_row_a_defect_with_pipes_escaped() -> None:
    matrix = Matrix(clean=(PASSED,), results=(result(),), never_failed=("hash.chain",))
    text = as_markdown(matrix)
    assert "## claim" in text
    assert "| `no-lock` | a \\| title | P2 | `claim.per-org-cap` | - | survived |" in text
    assert "**0 of 1 defects killed**" in text
    assert "| `hash.chain` | NONE |" in text


def test_markdown_tells_what_each_check_caught() -> None:
    text = as_markdown(Matrix(clean=(PASSED,), results=(result("claim.per-org-cap"),)))
    assert "| `claim.per-org-cap` | `no-lock` |" in text


def test_markdown_of_a_gate_that_cries_wolf_says_so() -> None:
    text = as_markdown(Matrix(clean=(CRIED_WOLF,), results=(result("claim.per-org-cap"),)))
    assert "The clean backend passed 0 of 1 runs" in text


def test_json_is_the_documented_form() -> None:
    written = Matrix(clean=(PASSED,), results=(result("claim.per-org-cap"),)).as_json()
    assert written["schema"] == 1
    assert written["clean"] == {"verdict": "pass", "runs": 1}
    assert written["defects"] == [
        {
            "id": "no-lock",
            "title": "a | title",
            "family": "claim",
            "source": "P2",
            "expected": ["claim.per-org-cap"],
            "caught_by": ["claim.per-org-cap"],
            "rules": {},
            "killed": True,
            "seconds": 1.0,
            "problem": "",
        }
    ]


@pytest.mark.parametrize(
    ("codes", "worst"),
    [((0, 0), 0), ((0, 2), 2), ((1, 2), 1), ((1, 3), 3), ((3, 4), 4), ((0, -9), -9)],
)
def test_runs_on_one_backend_are_as_bad_as_the_worst(codes: tuple[int, ...], worst: int) -> None:
    runs = [GateRun(exit_code=code, checks=(), failed=(), seconds=1.5) for code in codes]
    assert (joined(runs).exit_code, joined(runs).seconds) == (worst, 3.0)
