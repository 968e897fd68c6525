"""A whole run: pytest in the middle, everything that must happen before and after around it."""

import os
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import pytest

from harness.errors import Misconfigured
from harness.events import (
    Broadcast,
    CheckResult,
    Reporter,
    RunFinished,
    RunStarted,
    RunSummary,
)
from harness.machine.room import full_disk
from harness.plugin.collecting.built_in import built_in_folders
from harness.plugin.collecting.own_modules import make_all_importable
from harness.plugin.judging.unmet_words import unmet_words
from harness.plugin.session.controller import Controller
from harness.plugin.session.run_errors import RunError, RunErrors
from harness.plugin.session.shared_system import SharedSystem
from harness.plugin.session.signals import Interruption
from harness.plugin.settings import RunSettings
from harness.ratchet.acceptance import Acceptances, accept
from harness.ratchet.baseline import NOTHING_KNOWN, Baseline
from harness.redaction.redactor import Redactor
from harness.reports.results_json import correct_results
from harness.target import Target
from harness.verdict import ExitCode, Verdict, combine, exit_code

_INI_FILE = Path(__file__).with_name("checks.ini")

_PLUGINS = ("pytest_asyncio.plugin", "xdist.plugin", "_hypothesis_pytestplugin", "harness.plugin")

_NOT_NEEDED = ("cacheprovider", "doctest", "pastebin", "terminalprogress", "unittest")


def pytest_arguments(settings: RunSettings, scratch: Path, more: Sequence[str] = ()) -> list[str]:
    """Give the command line that makes pytest run checks; `more` are the user's own words."""
    return [
        *("-c", str(_INI_FILE), f"--rootdir={Path.cwd()}", "--import-mode=importlib"),
        *(word for name in _PLUGINS for word in ("-p", name)),
        *(word for name in _NOT_NEEDED for word in ("-p", f"no:{name}")),
        f"--basetemp={scratch / 'pytest'}",
        "--dist=worksteal",
        *more,
        *check_folders(settings),
    ]


def check_folders(settings: RunSettings) -> list[str]:
    """Give the folders that checks are looked for in: the built-in ones, then the team's."""
    built_in = list(built_in_folders())
    own = [str(Path(folder).resolve()) for folder in settings.folders]
    return list(dict.fromkeys([*(built_in if settings.built_in else []), *own]))


def isolate(run_dir: Path) -> None:
    """Keep what is installed or set around us out of the gate; worker processes inherit it."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(run_dir / "hypothesis")
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        os.environ.pop(name, None)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run, ready to go: `execute` does it."""

    settings: RunSettings
    target: Target
    reporters: Sequence[Reporter]
    started_at: datetime
    baseline: Baseline = NOTHING_KNOWN
    """What an earlier run found, and what does not count for that."""
    pytest_args: Sequence[str] = ()
    """What the user passes on to pytest."""

    def execute(self) -> RunSummary:
        """Run every selected check and report; whatever happens, take everything down."""
        began = time.monotonic()
        events, interruption = Broadcast(self.reporters), Interruption()
        redact = Redactor(self.target.secrets)
        report_path = self.settings.report_path
        errors = RunErrors(report_path, redact)
        shared = SharedSystem(self.target, settings=self.settings, events=events, redact=redact)
        controller = Controller(
            settings=self.settings, target=self.target, shared=shared, errors=errors,
            interruption=interruption, events=events, redact=redact,
        )  # fmt: skip
        with interruption.listening():
            try:
                events.emit(self._started())
                shared.begin()
                isolate(shared.run_dir)
                self._pytest(controller, errors, shared.run_dir)
            except KeyboardInterrupt:
                interruption.note()
            except Misconfigured as error:
                errors.note_misconfigured(error)
            except Exception as error:
                errors.note_crash(error)
            finally:
                interruption.shield()
                shared.take_down(errors)
            ended_by = _interrupted(interruption) or errors.first
            summary = self._summary(controller, shared, ended_by, time.monotonic() - began)
            interruption.conclude()
            events.emit(RunFinished(summary=summary))
            events.close()
            if not events.errors:
                return summary
            summary = _including(events.errors, summary, redact)
            correct_results(report_path, summary)
            return summary

    def _started(self) -> RunStarted:
        return RunStarted(
            target_name=self.target.name,
            seed=self.settings.seed,
            profile=self.settings.profile,
            report_path=self.settings.report_path,
        )

    def _pytest(self, controller: Controller, errors: RunErrors, scratch: Path) -> None:
        arguments = pytest_arguments(self.settings, scratch, self.pytest_args)
        make_all_importable(self.settings.folders)
        status = pytest.main(arguments, plugins=[controller])
        if controller.collected is not None or errors.first is not None:
            return
        if status == pytest.ExitCode.INTERNAL_ERROR:
            raise RuntimeError("pytest could not start; its message above says why")
        words = " ".join(["pytest", *self.pytest_args])
        raise Misconfigured(f"`{words}` ran no check; its message above says why")

    def _summary(
        self,
        controller: Controller,
        shared: SharedSystem,
        error: RunError | None,
        seconds: float,
    ) -> RunSummary:
        reason = error.message if error else ""
        first_line = reason.partition("\n")[0]
        results = controller.results(
            first_line or controller.stopped_early or "pytest ended before it started"
        )
        checks, ratchet = accept(results, self._acceptances())
        verdict = verdict_of(checks)
        if reason and verdict is Verdict.PASS:
            verdict = Verdict.INCONCLUSIVE
        return RunSummary(
            verdict=verdict,
            exit_code=error.exit_code if error else exit_code(verdict),
            seed=self.settings.seed,
            profile=self.settings.profile,
            started_at=self.started_at,
            seconds=seconds,
            bring_up_seconds=shared.bring_up_seconds,
            target=shared.facts,
            checks=checks,
            report_path=self.settings.report_path,
            error=reason,
            ratchet=ratchet,
            version=version("shakedown"),
            run_id=shared.run_id,
            old_names=controller.old_names,
            unmet_words=unmet_words(self.target.contract, checks, self.settings),
        )

    def _acceptances(self) -> Acceptances:
        return Acceptances(
            baseline=self.baseline,
            patterns=self.target.accepted,
            today=self.started_at.date(),
        )


def verdict_of(checks: Sequence[CheckResult]) -> Verdict:
    """Give the verdict of a run: known gaps do not count, but they alone are not a pass."""
    counted = [check.verdict for check in checks if check.counts]
    return combine(counted)


def _interrupted(interruption: Interruption) -> RunError | None:
    if interruption.signal is None or interruption.exit_code is None:
        return None
    message = f"interrupted by {interruption.signal.name}"
    return RunError(exit_code=interruption.exit_code, message=message)


def _including(errors: Sequence[Exception], summary: RunSummary, redact: Redactor) -> RunSummary:
    """A report that could not be written makes the run an internal error of ours.

    A full disk is none: it is for the user to make room.
    """
    if problem := next(filter(None, map(full_disk, errors)), ""):
        why = redact(f"a report could not be written: {problem}")
        return replace(summary, exit_code=ExitCode.MISCONFIGURED, error=why)
    traces = "".join(line for error in errors for line in traceback.format_exception(error))
    return replace(
        summary,
        exit_code=ExitCode.INTERNAL_ERROR,
        error=redact(f"a report could not be written:\n{traces}"),
    )
