"""Runs one check: deadline, observations, and the result that its three phases add up to."""

import functools
import time
from collections.abc import Awaitable, Callable, Generator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from harness.asks import Asked, noting_asks
from harness.check import matches_id, plain_id
from harness.events import CheckResult, Phase
from harness.findings.curl import EvidenceFiles, as_evidence
from harness.findings.exchanges import Recent, remembering
from harness.findings.finding import Finding
from harness.findings.preconditions import BrokenPreconditions
from harness.findings.rule import rules
from harness.plugin.cells import Cells, EnoughSeen
from harness.plugin.checking.deadline import WATCHDOG_SLACK_S, Deadline, watchdog
from harness.plugin.collecting.collection import SPEC
from harness.plugin.context import redactor_of, system_of, target_of
from harness.plugin.coverage import Coverage
from harness.plugin.extent.export_time import deadline_s
from harness.plugin.judging.findings import Outcome, outcome_of
from harness.plugin.judging.machine_faults import full_disks_of
from harness.plugin.observations import Observations
from harness.plugin.settings import settings_of
from harness.system import System
from harness.target.capability import Capability
from harness.untrusted.sanitizing import shorten
from harness.verdict import Verdict

FIXTURES_S = 60
"""How long the fixtures of a check may block the event loop before they are interrupted."""

LOG_CHARACTERS = 1_000_000
"""The longest log of one check: longer than any traceback, shorter than a backend can make it."""

RESULT = TypeAdapter(CheckResult)
"""Takes a result apart, and builds it again, on its way from worker to controller."""

SHOWN_EXCHANGES = 2
"""The last requests of a cell that its finding shows."""

BROKEN = "broken-preconditions"
"""The folder of a run's directory in which its processes note them."""

RESULT_ATTRIBUTE = "shakedown_result"
"""Where a report carries the plain form of a `CheckResult` from worker to controller."""


class CheckState:
    """What is known of a check while it runs."""

    def __init__(self, cells: Cells) -> None:
        self.began = time.monotonic()
        self.observations = Observations()
        self.coverage = Coverage()
        self.missing: frozenset[Capability] = frozenset()
        self.cells = cells
        self.asked = Asked()
        self.recent = Recent()
        """What the check sent last, outside its cells."""
        self.outcomes: list[Outcome] = []
        self.phases: list[Phase] = []
        self.log: list[str] = []


STATE = pytest.StashKey[CheckState]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Begin the state of a check."""
    item.stash[STATE] = CheckState(_cells(item))
    with watchdog(FIXTURES_S + _seconds(item), "setting the check up"):
        return (yield)


@pytest.hookimpl(tryfirst=True, specname="pytest_runtest_setup")
def pytest_skip_without_capabilities(item: pytest.Item) -> None:
    """Skip a check where the target cannot offer what it needs, before its fixtures are made.

    Not in the wrapper above, which comes before those of pytest's own plugins: what they set up
    they rely on in the teardown, and where that crashed, fixtures of the folder stayed set up.
    """
    state = item.stash[STATE]
    state.missing = item.stash[SPEC].needs - target_of(item.config).capabilities()
    if state.missing:
        pytest.skip("the target does not offer what it needs")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Run the check itself within its deadline."""
    spec, seconds = item.stash[SPEC], _seconds(item)
    deadline = Deadline(seconds, item.path)
    function = item.obj  # type: ignore[attr-defined]
    # Hypothesis's wrapper is synchronous and calls the async check inside.
    owner, name = (
        (function.hypothesis, "inner_test") if hasattr(function, "hypothesis") else (item, "obj")
    )
    with (
        pytest.MonkeyPatch.context() as patch,
        watchdog(seconds + WATCHDOG_SLACK_S, f"check {spec.id}"),
    ):
        bound = deadline.bound(getattr(owner, name))
        patch.setattr(owner, name, _remembered(bound, item.stash[STATE]))
        try:
            return (yield)
        except BaseException as error:
            _add_exit_reports(error, system_of(item.config))
            raise


def _seconds(item: pytest.Item) -> float:
    """How long a check may take on this target."""
    spec = item.stash[SPEC]
    return deadline_s(spec.id, spec.deadline_s, target_of(item.config).pace)


def _remembered(
    function: Callable[..., Awaitable[object]], state: CheckState
) -> Callable[..., Awaitable[object]]:
    """Wrap a check so that what it sends outside its cells is remembered, as evidence, and what
    it asks of the backend."""

    @functools.wraps(function)
    async def remembered(*args: object, **kwargs: object) -> None:
        with remembering(state.recent), noting_asks(state.asked):
            await function(*args, **kwargs)

    return remembered


def _cells(item: pytest.Item) -> Cells:
    """Give a check the cells that know what is its own business."""
    config, check_id = item.config, item.stash[SPEC].id
    settings = settings_of(config)
    broken = BrokenPreconditions(system_of(config).run_dir / BROKEN)
    folder = check_log(settings.report_path, check_id).with_suffix("") / "evidence"
    files = EvidenceFiles(folder, redactor_of(config))
    return Cells(
        check_id=check_id,
        check_path=item.path,
        owns=frozenset(name for name, rule in rules().items() if plain_id(check_id) in rule.owners),
        stop_at_first=settings.first_finding
        or bool(config.getoption("usepdb", default=False))
        or config.getoption("maxfail", default=0) == 1,
        on_broken=broken.note,
        hindered_by=lambda: _hindered_by(system_of(config), settings.report_path),
        evidence_of=lambda recent: as_evidence(recent.last(SHOWN_EXCHANGES), files),
    )


def _hindered_by(system: System, report: Path) -> str:
    """Say what of our machine may make the backend fail: one that runs elsewhere has its own."""
    is_elsewhere = system.target.driver == "external"
    return "" if is_elsewhere else full_disks_of(system.run_dir, report)


def _add_exit_reports(error: BaseException, system: System) -> None:
    """Add how instances ended: no check may end one of the shared system, so it may be why."""
    try:
        for report in system.exit_reports():
            error.add_note(report)
    except Exception as problem:
        error.add_note(f"could not find out whether all instances still run: {problem!r}")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Take the fixtures down."""
    with watchdog(FIXTURES_S + _seconds(item), "taking the check's fixtures down"):
        return (yield)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge a phase; after the last one, send the whole result along with the report."""
    report = yield
    state = item.stash[STATE]
    outcome = _outcome(item, call, state)
    if outcome is not None:
        state.outcomes.append(outcome)
        if report.failed:
            state.log.append(f"{call.when}:\n{report.longreprtext}")
        _set_outcome(report, outcome, allowed=_allowed(item), item=item)
    verdict = outcome.verdict if outcome else Verdict.PASS
    state.phases.append(Phase(name=call.when, seconds=round(call.duration, 3), verdict=verdict))
    if call.when == "teardown":
        state.log += [f"{title}:\n{text}" for title, text in report.sections]
        setattr(report, RESULT_ATTRIBUTE, RESULT.dump_python(_result(item), mode="json"))
    _hide_secrets(report, redactor_of(item.config))
    return report


def _hide_secrets(report: pytest.TestReport, redact: Callable[[str], str]) -> None:
    """Hide them also from other readers of the report: `--junit-xml`, a plugin of the team."""
    if report.failed:
        report.longrepr = redact(report.longreprtext)
    elif isinstance(report.longrepr, tuple):
        path, line, why = report.longrepr
        report.longrepr = (path, line, redact(why))
    report.sections = [(title, redact(text)) for title, text in report.sections]


def _outcome(item: pytest.Item, call: pytest.CallInfo[None], state: CheckState) -> Outcome | None:
    """Say what a phase ended in, None for a plain end; a failure is kept as a finding."""
    if state.missing and call.when == "setup":
        lacking = ", ".join(sorted(state.missing))
        return _open(f"this target does not offer: {lacking}")
    if call.excinfo is not None:
        ended = call.excinfo.value
        if isinstance(ended, EnoughSeen):
            return _of_cells(item, state)
        outcome = state.cells.judged(ended, state.recent)
        if outcome.verdict is Verdict.FAIL:
            state.cells.take(outcome, state.recent)
        return outcome
    return _of_cells(item, state) if call.when == "call" else None


def too_little(seen: str, needed: int, absent: str) -> str:
    """Say that a check has seen too little for a pass, and what is absent that it is about."""
    why = f"; the target declares {absent} absent" if absent else ""
    return f"observed {seen} of the {needed} that a pass needs{why}"


def _of_cells(item: pytest.Item, state: CheckState) -> Outcome | None:
    """Say what the cells add up to, after a check that has gone through them all."""
    cells = state.cells
    if cells.findings:
        return outcome_of(cells.findings[0], Verdict.FAIL)
    if cells.blocked:
        return outcome_of(cells.blocked[0], Verdict.INCONCLUSIVE)
    counts = cells.counts()
    if counts.not_looked_at:
        reasons = "; ".join(reason for reason, _ in counts.reasons)
        return _open(f"{counts.not_looked_at} of {counts.total} cells not looked at: {reasons}")
    names = ", ".join(name for name, _ in counts.absent_names)
    if counts.absent and not counts.judged:
        return _open(f"nothing is left to look at: the target declares {names} absent")
    if state.observations.count < (needed := _needed(item, state)):
        return _open(too_little(str(state.observations), needed, names))
    return None


def _needed(item: pytest.Item, state: CheckState) -> int:
    """How many observations a pass needs: fewer where the target declares something absent.

    By the share of the cells that were taken away, and half of that: cells are of unequal weight,
    and what a check left out by itself never became one.
    """
    needed = state.observations.still_needed(item.stash[SPEC].observes)
    counts = state.cells.counts()
    if counts.absent or state.asked.left_out:
        judged = counts.judged + counts.blocked + counts.not_looked_at
        needed = max(1, needed * judged // max(1, judged + counts.absent) // 2)
    return needed


def _open(why: str) -> Outcome:
    return Outcome(verdict=Verdict.INCONCLUSIVE, message=why)


def _set_outcome(
    report: pytest.TestReport, outcome: Outcome, *, allowed: bool, item: pytest.Item
) -> None:
    """Set pytest's own outcome, for `-x` and for other reporters.

    Everything but a pass is a failure there, except what is known beforehand: a capability that
    the target does not offer, and a gap that was allowed.
    """
    known_gap = allowed and outcome.verdict is Verdict.INCONCLUSIVE
    if known_gap and not report.skipped:
        report.outcome = "skipped"
        report.longrepr = (str(item.path), 0, outcome.message)
    elif report.passed or (report.skipped and report.when == "call"):
        report.outcome = "failed"
        report.longrepr = outcome.message


def _allowed(item: pytest.Item) -> bool:
    return matches_id(item.stash[SPEC].id, settings_of(item.config).allow_inconclusive)


def _result(item: pytest.Item) -> CheckResult:
    state, spec = item.stash[STATE], item.stash[SPEC]
    settings, redact = settings_of(item.config), redactor_of(item.config)

    def safe(text: str) -> str:
        return shorten(redact(text))  # in this order: half a secret is not recognized

    cells = state.cells
    findings = tuple(_without_secrets(each, safe) for each in cells.findings)
    blocked = tuple(_without_secrets(each, safe) for each in cells.blocked)
    still_open = [each for each in state.outcomes if each.verdict is Verdict.INCONCLUSIVE]
    verdict = Verdict.INCONCLUSIVE if blocked or still_open else Verdict.PASS
    message, where = "", ""
    if found := findings or blocked:
        verdict = Verdict.FAIL if findings else verdict
        message, where = found[0].message, found[0].where
    elif still_open:
        message, where = safe(still_open[0].message), still_open[0].where
    if len(findings) > 1:
        message += f"\n(and {len(findings) - 1} more findings)"
    return CheckResult.of(
        spec,
        verdict,
        observations=state.observations.count,
        needed_observations=_needed(item, state),
        fewer=tuple((safe(why), n) for why, n in state.observations.excused.items()),
        asked=state.asked.frozen(),
        seconds=round(time.monotonic() - state.began, 3),
        message=message,
        where=where,
        log=_write_log(item, state) if state.outcomes else "",
        reproduce=settings.reproduce_command(spec.id),
        allowed=verdict is Verdict.INCONCLUSIVE and _allowed(item),
        coverage=tuple(table.redacted(redact) for table in state.coverage.tables()),
        findings=findings,
        blocked=blocked,
        cells=cells.counts(),
        phases=tuple(state.phases),
    )


def _without_secrets(finding: Finding, safe: Callable[[str], str]) -> Finding:
    """Hide secrets in what comes from the backend."""
    evidence = (
        replace(each, title=safe(each.title), text=safe(each.text)) for each in finding.evidence
    )
    return replace(
        finding,
        subject=safe(finding.subject),
        cell=tuple((name, safe(value)) for name, value in finding.cell),
        aspect=safe(finding.aspect),
        expected=safe(finding.expected),
        got=safe(finding.got),
        detail=safe(finding.detail),
        message=safe(finding.message),
        evidence=tuple(evidence),
    )


def _write_log(item: pytest.Item, state: CheckState) -> str:
    """Keep traceback and captured output; the terminal shows only the message."""
    if not state.log:
        return ""
    settings, spec = settings_of(item.config), item.stash[SPEC]
    path = check_log(settings.report_path, spec.id)
    path.parent.mkdir(exist_ok=True)
    text = "\n\n".join(
        [f"{spec.id}: {spec.title}", settings.reproduce_command(spec.id), *state.log]
    )
    # Cut after the redaction: a cut through a secret would leave half of it.
    path.write_text(
        shorten(redactor_of(item.config)(text), LOG_CHARACTERS) + "\n", encoding="utf-8"
    )
    return str(path)


def check_log(report_path: Path, check_id: str) -> Path:
    """Where the log of a check goes."""
    safe = "".join(letter if letter.isalnum() or letter in "-._" else "_" for letter in check_id)
    return report_path / "checks" / f"{safe}.log"
