"""What stands before the parts of an explanation never touches them."""

from harness.events import CheckResult
from harness.evidence import transitions_evidence
from harness.findings.finding import Finding
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


def test_each_kind_of_evidence_has_its_label_dimmed() -> None:
    assert {"transitions", "bytes", "query", "request"} <= set(LABELS)
