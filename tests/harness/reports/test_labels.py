"""What stands before the parts of an explanation never touches them."""

from harness.events import CheckResult
from harness.evidence import transitions_evidence
from harness.findings.finding import CellCounts, Finding
from harness.reports.describe import LABELS, explanation_lines
from harness.verdict import Verdict


def test_a_long_label_is_apart_from_its_text() -> None:
    finding = Finding(
        rule="own.one", subject="exports", aspect="once", message="", expected="1", got="2",
        evidence=(transitions_evidence("states", ["nothing → queued", "queued → ready"]),),
    )  # fmt: skip
    result = CheckResult(
        id="own.one", title="A title", checklist="a line", verdict=Verdict.FAIL, observations=1,
        needed_observations=1, seconds=0.1, findings=(finding,),
    )  # fmt: skip
    lines = explanation_lines(result)
    assert "  transitions nothing → queued" in lines
    assert "  expected  1" in lines


def _found_in(*cases: str, total: int) -> list[str]:
    findings = tuple(
        Finding(
            rule="own.one", subject="getJob", aspect="status", message="m", expected="1", got="2",
            cell=(("operation", "getJob"), *((("case", case),) if case else ())),
        )
        for case in cases
    )  # fmt: skip
    result = CheckResult(
        id="own.one", title="A title", checklist="a line", verdict=Verdict.FAIL, observations=1,
        needed_observations=1, seconds=0.1, findings=findings,
        cells=CellCounts(looked_at=total - len(findings), findings=len(findings)),
    )  # fmt: skip
    return [line for line in explanation_lines(result) if line.startswith("  cells")]


def test_it_says_in_which_cells_and_of_how_many() -> None:
    assert _found_in("one bit", "removed", total=91) == [
        "  cells     one bit; removed; of 91 cells"
    ]
    assert _found_in(*"abcdef", total=9) == ["  cells     a; b; c; d and 2 more; of 9 cells"]


def test_cells_that_say_no_more_than_the_subject_are_left_out() -> None:
    assert _found_in("", total=9) == []
    assert _found_in("getJob", total=9) == []
    assert _found_in("all there is", total=1) == []


def test_each_kind_of_evidence_has_its_label_dimmed() -> None:
    assert {"transitions", "bytes", "query", "request", "cells"} <= set(LABELS)
