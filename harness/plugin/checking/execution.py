"""Runs one check: the hooks of its three phases, each within its deadline."""

import functools
from collections.abc import Awaitable, Callable, Generator

import pytest

from harness.asks import noting_asks
from harness.events import Phase
from harness.findings.exchanges import remembering
from harness.plugin.checking.check_cells import cells_of
from harness.plugin.checking.check_state import STATE, CheckState
from harness.plugin.checking.deadline import WATCHDOG_SLACK_S, Deadline, watchdog
from harness.plugin.checking.history_end import end_history
from harness.plugin.checking.outcomes import is_allowed, outcome_of_phase
from harness.plugin.checking.results import RESULT, result_of
from harness.plugin.collecting.collection import SPEC
from harness.plugin.context import redactor_of, system_of, target_of
from harness.plugin.extent.export_time import deadline_s
from harness.plugin.judging.findings import Outcome
from harness.system import System
from harness.verdict import Verdict

FIXTURES_S = 60
"""How long the fixtures of a check may block the event loop before they are interrupted."""

RESULT_ATTRIBUTE = "shakedown_result"
"""Where a report carries the plain form of a `CheckResult` from worker to controller."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Begin the state of a check."""
    item.stash[STATE] = CheckState(cells_of(item))
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
    outcome = outcome_of_phase(item, call, state)
    if outcome is not None:
        state.outcomes.append(outcome)
        if report.failed:
            state.log.append(f"{call.when}:\n{report.longreprtext}")
        _set_outcome(report, outcome, allowed=is_allowed(item), item=item)
    verdict = outcome.verdict if outcome else Verdict.PASS
    state.phases.append(Phase(name=call.when, seconds=round(call.duration, 3), verdict=verdict))
    if call.when == "teardown":
        state.log += [f"{title}:\n{text}" for title, text in report.sections]
        result = result_of(item)
        end_history(item, result)
        setattr(report, RESULT_ATTRIBUTE, RESULT.dump_python(result, mode="json"))
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
