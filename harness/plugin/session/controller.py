"""The main process's side of a run: listens to pytest, and emits events."""

import contextlib
import os
import signal
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness.check import CheckSpec, plain_id
from harness.errors import Misconfigured
from harness.events import (
    Broadcast,
    CheckFinished,
    CheckResult,
    ChecksSelected,
    CheckStarted,
    DebuggerEntered,
)
from harness.findings.rule import owners_of
from harness.machine.room import full_disk
from harness.plugin.checking.execution import RESULT_ATTRIBUTE
from harness.plugin.checking.results import RESULT
from harness.plugin.collecting.collection import COLLECTED, COLLECTED_CHECKS, collected_file
from harness.plugin.collecting.selection import CollectedChecks, refuse_bad_selection
from harness.plugin.context import REDACTOR, SYSTEM, TARGET
from harness.plugin.judging.findings import short_path
from harness.plugin.judging.owners import with_owners_decided
from harness.plugin.session.quiet import silence
from harness.plugin.session.run_errors import RunErrors
from harness.plugin.session.shared_system import SharedSystem
from harness.plugin.session.signals import Interruption
from harness.plugin.session.worker import WORKER_INPUT, worker_input
from harness.plugin.settings import SETTINGS, RunSettings
from harness.redaction.redactor import Redactor
from harness.renamed import RenamedWarning
from harness.target import Target
from harness.verdict import ExitCode, Verdict


@dataclass(kw_only=True, eq=False)
class Controller:
    """A pytest plugin, registered as an object in the main process only.

    Without xdist checks run in this process too. With it, worker processes collect and run them,
    and pytest's hooks here are called with what they report.
    """

    settings: RunSettings
    target: Target
    shared: SharedSystem
    errors: RunErrors
    interruption: Interruption
    events: Broadcast
    redact: Redactor
    collected: CollectedChecks | None = None
    stopped_early: str = ""
    """Why pytest ended before the last check, in its words."""
    _results: dict[str, CheckResult] = field(default_factory=dict)
    _started: set[str] = field(default_factory=set)
    _old_names: dict[str, None] = field(default_factory=dict)
    _worker_pids: dict[str, int] = field(default_factory=dict)
    _plugins: pytest.PytestPluginManager | None = None

    @property
    def old_names(self) -> tuple[str, ...]:
        """Where checks use a name that has another one now, each place once, and what to write."""
        return tuple(self._old_names)

    def results(self, unfinished: str) -> tuple[CheckResult, ...]:
        """Give a result for every selected check; `unfinished` says why some have none.

        Whose finding a precondition is that was not met, is decided here, over all of them.
        """
        return with_owners_decided(
            self._results.get(node) or self._unfinished(node, spec, unfinished)
            for node, spec in self._selected.items()
        )

    # Start.

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Hand settings and target to the rest of the plugin."""
        self._plugins = config.pluginmanager
        config.stash[SETTINGS] = self.settings
        config.stash[TARGET] = self.target
        config.stash[REDACTOR] = self.redact
        silence(config)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """With worker processes: bring the system up first, because each gets it at its start."""
        if _distributed(session.config):
            # A refusal is raised as it is: before a session has begun, pytest would print the
            # message of an exit itself, a second time and with any secrets in it.
            self._bring_up(session.config)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:  # noqa: ANN401 - xdist exports no type
        """Give a worker process the settings and the system."""
        node.workerinput[WORKER_INPUT] = worker_input(self.settings, self.shared.system)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Without worker processes: bring the system up once the checks are known."""
        if not _distributed(session.config) and not session.config.option.collectonly:
            self._take_collected(session.config.stash[COLLECTED])
            with self._exit_when_refused():
                self._bring_up(session.config)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any) -> None:  # noqa: ANN401
        """Take the collected checks from the first worker process that has them."""
        path = collected_file(self.shared.run_dir, node.gateway.id)
        collected = COLLECTED_CHECKS.validate_json(path.read_bytes())
        self._worker_pids[node.gateway.id] = collected.pid
        if self.collected is None:
            self._take_collected(collected)

    # While checks run.

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A check begins, here or in a worker process."""
        spec = self._selected.get(str(nodeid))
        if spec is not None:
            self._started.add(str(nodeid))
            self.events.emit(CheckStarted(id=spec.id, title=spec.title))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A phase of a check is over; the last one carries the result."""
        spec = self._selected.get(str(report.nodeid))
        if spec is None:
            return
        plain = getattr(report, RESULT_ATTRIBUTE, None)
        if plain is not None:
            self._finish(str(report.nodeid), RESULT.validate_python(plain))
        elif report.when not in ("setup", "call", "teardown"):
            died = f"the worker process that ran it died: {report.longreprtext}"
            self._finish(str(report.nodeid), self._open(spec, died))

    def pytest_runtest_logfinish(self) -> None:
        """Stop here, too, when a check swallowed the cancellation that a signal meant for it."""
        if self.interruption.signal is not None:
            raise KeyboardInterrupt

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401
        """Forget a worker process that has ended: another process may get its number."""
        self._worker_pids.pop(node.gateway.id, None)

    def pytest_enter_pdb(self) -> None:
        """Clear the terminal for the debugger."""
        self.events.emit(DebuggerEntered())

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        """Take note of an old name in a team's check, here or in a worker process."""
        if issubclass(warning_message.category, RenamedWarning):
            place = f"{short_path(Path(warning_message.filename))}:{warning_message.lineno}"
            self._old_names[f"{place}: {warning_message.message}"] = None

    # End.

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Take note of Ctrl-C and SIGTERM; from now on nothing disturbs the tear-down."""
        # Its subclasses are how pytest and xdist stop at `-x`: that is no interruption.
        if type(excinfo.value) is KeyboardInterrupt:
            self.interruption.note()
            self.interruption.shield()
            self._take_queued_reports()
            for pid in self._worker_pids.values():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGINT)

    def pytest_internalerror(self, excrepr: object, excinfo: pytest.ExceptionInfo[Any]) -> bool:
        """Take note of an error of ours, or of a plugin's; its traceback is for the log."""
        if isinstance(excinfo.value, Misconfigured):
            self.errors.note_misconfigured(excinfo.value)
        elif full_disk(excinfo.value):
            self.errors.note_crash(excinfo.value)
        else:
            self.errors.note_crash_text(excinfo.exconly(), str(excrepr))
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Take note of why pytest stops, when `-x` or `--maxfail` makes it."""
        self.stopped_early = str(session.shouldfail or session.shouldstop or "")

    # Helpers.

    @property
    def _selected(self) -> Mapping[str, CheckSpec]:
        return self.collected.selected if self.collected else {}

    def _take_queued_reports(self) -> None:
        """Take the reports of worker processes that xdist did not handle yet."""
        distributor = self._plugins.get_plugin("dsession") if self._plugins else None
        if distributor is None:
            return
        while not distributor.queue.empty():
            name, event = distributor.queue.get_nowait()
            if name == "logstart":
                self.pytest_runtest_logstart(event["nodeid"])
            elif name == "testreport":
                self.pytest_runtest_logreport(event["rep"])

    def _take_collected(self, collected: CollectedChecks) -> None:
        with self._exit_when_refused():
            refuse_bad_selection(
                collected,
                only=self.settings.only,
                allow=self.settings.allow_inconclusive,
                profile=self.settings.profile,
            )
        self.collected = collected
        self.events.emit(ChecksSelected(checks=tuple(collected.selected.values())))

    def _bring_up(self, config: pytest.Config) -> None:
        self.shared.bring_up()
        config.stash[SYSTEM] = self.shared.system

    @contextlib.contextmanager
    def _exit_when_refused(self) -> Iterator[None]:
        """End pytest in good order when the run turns out to be misconfigured."""
        try:
            yield
        except Misconfigured as error:
            self.errors.note_misconfigured(error)
            pytest.exit(str(error), returncode=ExitCode.MISCONFIGURED)

    def _finish(self, node: str, result: CheckResult) -> None:
        self._results[node] = result
        self.events.emit(CheckFinished(result=self._as_far_as_known(result)))

    def _as_far_as_known(self, result: CheckResult) -> CheckResult:
        """Decide what blocked a check already now, where its owners will not run any more."""
        owners = {owner for each in result.blocked for owner in owners_of(each.rule)}
        done = {plain_id(each.id) for each in self._results.values()}
        selected = {plain_id(spec.id) for spec in self._selected.values()}
        if not result.blocked or (owners & selected) - done:
            return result
        others = [each for each in self._results.values() if each.id != result.id]
        return with_owners_decided([*others, result])[-1]

    def _unfinished(self, node: str, spec: CheckSpec, why: str) -> CheckResult:
        ran = node in self._started
        return self._open(spec, f"{'did not finish' if ran else 'not run'}: {why}", ran=ran)

    def _open(self, spec: CheckSpec, why: str, *, ran: bool = True) -> CheckResult:
        return CheckResult.of(
            spec,
            Verdict.INCONCLUSIVE,
            message=self.redact(why),
            reproduce=self.settings.reproduce_command(spec.id),
            ran=ran,
        )


def _distributed(config: pytest.Config) -> bool:
    return config.pluginmanager.has_plugin("dsession")
