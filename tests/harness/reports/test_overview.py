"""The summary begins with what is broken: each thing once, the worst first, on one screen."""

from pathlib import Path

import pytest

from harness.events import CheckResult, RunSummary, TargetFacts
from harness.findings.finding import Finding
from harness.reports.causes import causes_of_checks
from harness.reports.overview import SCREEN_LINES, overview_lines
from harness.verdict import Verdict

from .conftest import STARTED


def _finding(rule: str, subject: str, aspect: str = "status", **more: str) -> Finding:
    return Finding(
        rule=rule, subject=subject, aspect=aspect, message=f"got 500 at {subject}", got="500",
        cell=(("operation", subject),), **more,  # type: ignore[arg-type]
    )  # fmt: skip


def _check(check_id: str, *findings: Finding, blocked: tuple[Finding, ...] = ()) -> CheckResult:
    return CheckResult(
        id=check_id, title=f"Title of {check_id}", checklist="a line",
        verdict=Verdict.FAIL if findings else Verdict.INCONCLUSIVE, observations=1,
        needed_observations=1, seconds=0.1, findings=findings, blocked=blocked,
    )  # fmt: skip


def _summary(*checks: CheckResult) -> RunSummary:
    facts = TargetFacts(name="t", api_instances=1, workers=1, postgres=None)
    return RunSummary(
        verdict=Verdict.FAIL, exit_code=1, seed=1, profile="quick", started_at=STARTED, seconds=1,
        bring_up_seconds=1, target=facts, checks=checks, report_path=Path("report"),
    )  # fmt: skip


def _texts(*checks: CheckResult, width: int = 80) -> list[str]:
    return [line.text for line in overview_lines(_summary(*checks), width)]


def test_one_fault_on_twenty_operations_is_one_cause_with_twenty_subjects() -> None:
    operations = [f"operation{letter}" for letter in "abcdefghijklmnopqrst"]
    shared = [_finding("answer.no-server-error", each) for each in operations]
    [cause] = causes_of_checks([_check("own.one", *shared[:12]), _check("own.two", *shared[8:])])
    assert len(cause.subjects) == 20
    assert cause.checks == ("own.one", "own.two")


def test_two_faults_that_one_check_found_are_two_causes() -> None:
    check = _check(
        "own.one",
        _finding("own.one", "getJob", "status"),
        _finding("own.one", "getJob", "body"),  # the same subject
        _finding("own.one", "listJobs", "body"),  # the same expectation
        _finding("own.one", "verifyManifest", "digest"),
    )
    assert [cause.subjects for cause in causes_of_checks([check])] == [
        ("getJob", "listJobs"),
        ("verifyManifest",),
    ]


def test_the_worst_comes_first_and_says_what_it_blocks() -> None:
    ready = _finding("export.becomes-ready", "getExport")
    lines = _texts(
        _check("own.one", _finding("own.one", "getJob")),
        _check("golden.export-download", ready),
        *(_check(f"own.waits{letter}", blocked=(ready,)) for letter in "abc"),
    )
    assert lines[0].startswith("2 causes")
    assert lines[1] == "lost or doubled work"
    assert lines[2].endswith(": getExport · blocks 3 checks")
    assert "wrong answer" in lines[4:]


@pytest.mark.parametrize("width", [40, 80, 160])
def test_many_causes_fit_a_screen_a_line_each(width: int) -> None:
    checks = [
        _check(f"own.check{number}", _finding(f"own.check{number}", "anOperation" * 8))
        for number in range(18)
    ]
    lines = _texts(*checks, width=width)
    assert len(lines) == 20 <= SCREEN_LINES
    assert all(len(line) <= width for line in lines)


def _told(detail: str = "a viewer's token", **more: str) -> CheckResult:
    finding = Finding(
        rule="own.one", subject="createJob", message="", expected="403 from createJob",
        got="201 to POST /jobs from API instance 2 [request id 5f-6]: {}", detail=detail,
        aspect="status", cell=(("operation", "createJob"),), **more,  # type: ignore[arg-type]
    )  # fmt: skip
    return _check("own.one", finding)


def test_where_there_is_room_it_says_which_case_breaks_the_rule() -> None:
    assert _texts(_told("a viewer's token\nand a second line"))[3:] == [
        "      expected 403 from createJob (a viewer's token)",
        "      got 201 to POST /jobs from API instance 2: {}",
    ]


def test_with_less_room_it_says_what_was_got_and_with_none_neither() -> None:
    def with_others(number: int) -> list[str]:
        others = [_check(f"own.b{each}", _finding(f"own.b{each}", "x")) for each in range(number)]
        lines = _texts(_told(), *others)
        assert len(lines) <= SCREEN_LINES
        return [line.split()[0] for line in lines if line.startswith("      ")]

    assert with_others(6) == ["expected", "got"] + ["got"] * 6
    assert with_others(9) == ["got"] * 10
    assert with_others(11) == []


def test_what_explains_another_cause_is_told_before_it() -> None:
    """A fork is less severe by itself than lost work, which here follows from it."""
    checks = [
        _check("golden.export-download", _finding("export.becomes-ready", "getExport")),
        _check("hash.no-fork", _finding("ledger.no-fork", "fork")),
        _check("hash.chain", _finding("ledger.chain-valid", "hash")),
        _check("tenancy.matrix", _finding("tenancy.matrix", "getJob")),
    ]
    told = [cause.rule for cause in causes_of_checks(checks)]
    assert told == [
        "tenancy.matrix",
        "ledger.no-fork",
        "export.becomes-ready",
        "ledger.chain-valid",
    ]
    accepted = _check("hash.no-fork", _finding("ledger.no-fork", "fork", accepted="known"))
    told = [cause.rule for cause in causes_of_checks([accepted, checks[0]])]
    assert told == ["export.becomes-ready", "ledger.no-fork"]
