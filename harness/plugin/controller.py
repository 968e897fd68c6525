"""The main process's side of a run: brings the system up, listens to pytest, emits events."""

import asyncio
import contextlib
import json
import os
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.check import CheckSpec
from harness.errors import Misconfigured
from harness.events import (
    BringUpProgress,
    Broadcast,
    CheckFinished,
    CheckResult,
    ChecksSelected,
    CheckStarted,
    DebuggerEntered,
    SystemReady,
    TargetFacts,
    TearDownStarted,
)
from harness.journal import Journal
from harness.plugin.catalogue import Catalogue, refuse_impossible_wishes
from harness.plugin.collection import CATALOGUE, catalogue_file
from harness.plugin.context import REDACTOR, SYSTEM, TARGET
from harness.plugin.execution import RESULT_ATTRIBUTE
from harness.plugin.quiet import silence
from harness.plugin.settings import SETTINGS, RunSettings
from harness.plugin.signals import Interruption
from harness.plugin.worker import WORKER_INPUT, worker_input
from harness.reports.instance_logs import keep_logs
from harness.reports.redaction import Redactor
from harness.system import System, launch
from harness.target import Target
from harness.verdict import ExitCode, Verdict


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Why a run as such could not be done as asked."""

    exit_code: ExitCode
    message: str


class Controller:
    """A pytest plugin, registered as an object in the main process only."""

    def __init__(
        self,
        settings: RunSettings,
        target: Target,
        *,
        interruption: Interruption,
        events: Broadcast,
    ) -> None:
        self._settings = settings
        self._target = target
        self._interruption = interruption
        self._events = events
        self._redact = Redactor(target.secrets)
        self._journal: Journal | None = None
        self._results: dict[str, CheckResult] = {}
        self._started: set[str] = set()
        self._worker_pids: set[int] = set()
        self.facts = TargetFacts(name=target.name, api_instances=0, workers=0, postgres=None)
        self.bring_up_seconds: float | None = None
        self.catalogue: Catalogue | None = None
        self.system: System | None = None
        self.trouble: Trouble | None = None
        self.stopped_early = ""
        """Why pytest ended before the last check, in its words."""

    # What the run calls, in its order. In between it starts pytest.

    def begin(self) -> None:
        """Make the run's own directory; from here on `take_down` is needed."""
        self._journal = Journal.begin()

    @property
    def run_dir(self) -> Path:
        """Scratch space of this run, gone when it ends."""
        return self._begun.run_dir

    # What pytest calls, in the order of a run.

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Hand settings and target to the rest of the plugin."""
        config.stash[SETTINGS] = self._settings
        config.stash[TARGET] = self._target
        config.stash[REDACTOR] = self._redact
        silence(config)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """With worker processes: they are told of the system at their start, so it comes first."""
        if _distributed(session.config):
            self._start(session.config)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:  # noqa: ANN401 - xdist exports no type
        """Tell a worker process what it needs to know."""
        node.workerinput[WORKER_INPUT] = worker_input(self._settings, self._running)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Without worker processes: the system is brought up once it is known what for."""
        if not _distributed(session.config):
            self._take_catalogue(session.config.stash[CATALOGUE])
            self._start(session.config)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any) -> None:  # noqa: ANN401
        """Take the catalogue from the first worker process that has one."""
        path = catalogue_file(self._running.run_dir, node.gateway.id)
        plain = json.loads(path.read_text(encoding="utf-8"))
        self._worker_pids.add(plain["pid"])
        if self.catalogue is None:
            self._take_catalogue(Catalogue.from_dict(plain))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A check begins, here or in a worker process."""
        spec = self._selected.get(str(nodeid))
        if spec is not None:
            self._started.add(str(nodeid))
            self._events.emit(CheckStarted(id=spec.id, title=spec.title))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A phase of a check is over; the last one carries the result."""
        spec = self._selected.get(str(report.nodeid))
        if spec is None:
            return
        plain = getattr(report, RESULT_ATTRIBUTE, None)
        if plain is not None:
            self._finish(str(report.nodeid), CheckResult.from_dict(plain))
        elif report.when not in ("setup", "call", "teardown"):
            died = f"the worker process that ran it died: {report.longreprtext}"
            self._finish(str(report.nodeid), self._open(spec, died))

    def pytest_enter_pdb(self) -> None:
        """Clear the terminal for the debugger."""
        self._events.emit(DebuggerEntered())

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Take note of Ctrl-C and SIGTERM; from now on nothing disturbs the tear-down."""
        # Its subclasses are how pytest and xdist stop at `-x`: nobody interrupted then.
        if type(excinfo.value) is KeyboardInterrupt:
            self._interruption.note()
            self._interruption.shield()
            for pid in self._worker_pids:
                _interrupt(pid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Take note of why pytest stops, when `-x` or `--maxfail` makes it."""
        self.stopped_early = str(session.shouldfail or session.shouldstop or "")

    def pytest_internalerror(self, excrepr: object, excinfo: pytest.ExceptionInfo[Any]) -> None:
        """Take note of an error of ours, or of a plugin's."""
        if isinstance(excinfo.value, Misconfigured):
            self.refuse(excinfo.value)
        else:
            self._internal_error(excinfo.exconly(), str(excrepr))

    # What the run asks afterwards.

    def results(self, unfinished: str) -> tuple[CheckResult, ...]:
        """Give a result for every selected check; `unfinished` says why some have none."""
        return tuple(
            self._results.get(node) or self._unfinished(node, spec, unfinished)
            for node, spec in self._selected.items()
        )

    def refuse(self, error: Misconfigured) -> None:
        """Take note that the run cannot go on as it was asked for."""
        self.trouble = self.trouble or Trouble(
            exit_code=ExitCode.MISCONFIGURED, message=self._redact(str(error))
        )

    def blame(self, error: Exception) -> None:
        """Take note of an error of our own; its traceback goes to the log."""
        told = traceback.format_exception_only(error)[0]
        self._internal_error(told, "".join(traceback.format_exception(error)))

    def take_down(self) -> None:
        """Keep the logs of all instances, then end them and all else of this run. Never raises."""
        self._events.emit(TearDownStarted())
        system, journal = self.system, self._journal
        if system is not None:
            folder = self._settings.report_path / "logs"
            self._whatever_happens(lambda: keep_logs(system.log_dir, folder, self._redact))
            self._whatever_happens(lambda: asyncio.run(system.close()))
        if journal is not None:
            self._whatever_happens(journal.close)

    def _whatever_happens(self, step: Callable[[], object]) -> None:
        try:
            step()
        except Exception as error:
            self.blame(error)

    # How it works.

    @property
    def _selected(self) -> dict[str, CheckSpec]:
        return dict(self.catalogue.selected) if self.catalogue else {}

    def _tell_progress(self, what: str) -> None:
        self._events.emit(BringUpProgress(what=self._redact(what)))

    @property
    def _begun(self) -> Journal:
        assert self._journal is not None, "asked for the journal before the run began"
        return self._journal

    @property
    def _running(self) -> System:
        assert self.system is not None, "asked for the system before it was brought up"
        return self.system

    def _take_catalogue(self, catalogue: Catalogue) -> None:
        self._or_exit(
            lambda: refuse_impossible_wishes(
                catalogue,
                only=self._settings.only,
                allow=self._settings.allow_inconclusive,
                profile=self._settings.profile,
            )
        )
        self.catalogue = catalogue
        self._events.emit(ChecksSelected(checks=tuple(catalogue.selected.values())))

    def _start(self, config: pytest.Config) -> None:
        def bring_up() -> None:
            self.system = asyncio.run(
                launch(
                    self._target,
                    run_dir=self.run_dir,
                    journal=self._begun,
                    on_progress=self._tell_progress,
                )
            )

        self._or_exit(bring_up)
        config.stash[SYSTEM] = self._running
        self._redact.learn(self._running.secrets)
        self.facts = facts_of(self._running)
        self.bring_up_seconds = self._running.bring_up_seconds
        self._events.emit(SystemReady(target=self.facts, seconds=self.bring_up_seconds))

    def _internal_error(self, told: str, trace: str) -> None:
        log = self._settings.report_path / "internal-error.log"
        with log.open("a", encoding="utf-8") as file:
            file.write(self._redact(trace) + "\n")
        told = self._redact(told.strip().splitlines()[-1])
        self.trouble = self.trouble or Trouble(
            exit_code=ExitCode.INTERNAL_ERROR,
            message=f"an error in shakedown itself: {told} (the traceback is in {log})",
        )

    def _or_exit(self, step: Callable[[], None]) -> None:
        """Do a step; when it turns out that the run cannot be, end pytest in good order."""
        try:
            step()
        except Misconfigured as error:
            self.refuse(error)
            pytest.exit(str(error), returncode=ExitCode.MISCONFIGURED)

    def _finish(self, node: str, result: CheckResult) -> None:
        self._results[node] = result
        self._events.emit(CheckFinished(result=result))

    def _unfinished(self, node: str, spec: CheckSpec, why: str) -> CheckResult:
        ran = node in self._started
        return self._open(spec, f"{'did not finish' if ran else 'not run'}: {why}", ran=ran)

    def _open(self, spec: CheckSpec, why: str, *, ran: bool = True) -> CheckResult:
        return CheckResult.of(
            spec,
            Verdict.INCONCLUSIVE,
            message=self._redact(why),
            repeat=self._settings.repeat_command(spec.id),
            ran=ran,
        )


def _distributed(config: pytest.Config) -> bool:
    return config.pluginmanager.has_plugin("dsession")


def _interrupt(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
        os.kill(pid, signal.SIGINT)


def facts_of(system: System) -> TargetFacts:
    """Give what a report tells about the system."""
    return TargetFacts(
        name=system.target.name,
        api_instances=len(system.api),
        workers=len(system.workers),
        postgres=system.postgres_version,
    )
