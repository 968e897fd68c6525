"""One small run that every reporter is shown."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.coverage import CoverageTable
from harness.events import (
    BringUpProgress,
    CheckFinished,
    CheckResult,
    CheckStarted,
    Event,
    RunFinished,
    RunStarted,
    RunSummary,
    SystemReady,
    TargetFacts,
    TearDownStarted,
)
from harness.findings.finding import Finding
from harness.verdict import Verdict

TARGET = TargetFacts(name="reference", api_instances=3, workers=2, postgres="18.1")
STARTED = datetime(2026, 11, 23, 20, 45, 12, tzinfo=UTC)

OPERATIONS = CoverageTable.of("operations", ["operation", "token"], [("getJob", "viewer")])


def result(check_id: str, verdict: Verdict, **fields: object) -> CheckResult:
    plain = CheckResult(
        id=check_id, title=f"Title of {check_id}", checklist=f"Line of {check_id.split('.')[0]}",
        verdict=verdict, observations=3, needed_observations=3, seconds=0.25,
        reproduce="" if verdict is Verdict.PASS else f"shakedown run --only {check_id} --seed 7",
    )  # fmt: skip
    return replace(plain, **fields)  # type: ignore[arg-type]


FINDINGS = (
    Finding(
        rule="claim.exactly-once", subject="an export", cell=(("operation", "claim"),),
        expected="once", got="twice", detail="export <7>\x1b[2J",
        message="expected once\ngot twice\nexport <7>\x1b[2J",
        where="contracts/claim/check_exactly_once.py:41", aspect="once",
    ),
    Finding(rule="answer.no-server-error", subject="getJob", got="500", message="got 500"),
    Finding(rule="answer.no-server-error", subject="listJobs", got="500", message="got 500"),
)  # fmt: skip

RESULTS = (
    result("golden.upload", Verdict.PASS, coverage=(OPERATIONS,)),
    result(
        "claim.exactly-once", Verdict.FAIL, message="expected once\ngot twice\nexport <7>\x1b[2J",
        findings=FINDINGS,
        description="Two claims at once.\nOne of them wins.",
        where="contracts/claim/check_exactly_once.py:41",
        log="report/checks/claim.exactly-once.log",
    ),
    result("golden.manifest", Verdict.INCONCLUSIVE, message="no database", observations=0),
    result("claim.fallback", Verdict.INCONCLUSIVE, message="a known gap", allowed=True),
)  # fmt: skip


@pytest.fixture
def summary(tmp_path: Path) -> RunSummary:
    return RunSummary(
        verdict=Verdict.FAIL, exit_code=1, seed=7, profile="quick", started_at=STARTED,
        seconds=4.5, bring_up_seconds=1.25, target=TARGET, checks=RESULTS, report_path=tmp_path,
    )  # fmt: skip


@pytest.fixture
def events(summary: RunSummary, tmp_path: Path) -> list[Event]:
    return [
        RunStarted(
            target_name="reference", seed=7, profile="quick",
            report_path=tmp_path,
        ),
        BringUpProgress(what="database"),
        SystemReady(target=TARGET, seconds=1.25),
        *(
            event
            for each in RESULTS
            for event in (CheckStarted(id=each.id, title=each.title), CheckFinished(result=each))
        ),
        TearDownStarted(),
        RunFinished(summary=summary),
    ]  # fmt: skip


@pytest.fixture
def show(events: list[Event]) -> Callable[[object], None]:
    """Shows the whole run to a reporter."""

    def handle_all(reporter: object) -> None:
        for event in events:
            reporter.handle(event)  # type: ignore[attr-defined]
        reporter.close()  # type: ignore[attr-defined]

    return handle_all
