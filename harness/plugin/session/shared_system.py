"""The system that all checks of a run share, with the run's own directory and journal."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from harness.client import Organizations
from harness.errors import Misconfigured
from harness.events import BringUpProgress, Broadcast, SystemReady, TargetFacts, TearDownStarted
from harness.machine.interruptible import run_interruptible
from harness.machine.journal import Journal
from harness.plugin.checking.run_mark import mark_of
from harness.plugin.session.preflight import refuse_expired_tokens, try_tokens
from harness.plugin.session.run_errors import RunErrors
from harness.plugin.settings import RunSettings
from harness.recovery.healing import end_run
from harness.redaction.issued_tokens import read_issued_tokens
from harness.redaction.redactor import Redactor
from harness.reports.instance_logs import keep_logs
from harness.system import System, launch
from harness.system.declared_names import refuse_wrong_names
from harness.target import Target


class SharedSystem:
    """`begin`, then `bring_up`; `take_down` must follow, also when one of them failed."""

    def __init__(
        self, target: Target, *, settings: RunSettings, events: Broadcast, redact: Redactor
    ) -> None:
        self.facts = TargetFacts(name=target.name, api_instances=0, workers=0, postgres=None)
        self.bring_up_seconds: float | None = None
        self._target = target
        self._settings = settings
        self._events = events
        self._redact = redact
        self._journal: Journal | None = None
        self._system: System | None = None

    @property
    def run_dir(self) -> Path:
        """Scratch space of this run, gone when it ends."""
        return self._begun.run_dir

    @property
    def run_id(self) -> str:
        """The run's id, empty before the run began."""
        return self._journal.run_id if self._journal else ""

    @property
    def system(self) -> System:
        """The system that checks share, once it is up."""
        assert self._system is not None, "asked for the system before it was brought up"
        return self._system

    def begin(self) -> None:
        """Make the run's own directory."""
        self._journal = Journal.begin()

    def bring_up(self) -> None:
        """Bring the system up. Raises `Misconfigured` when it does not come up."""
        refuse_expired_tokens(self._target)
        self._system = run_interruptible(
            launch(
                self._target,
                journal=self._begun,
                on_progress=lambda what: self._events.emit(
                    BringUpProgress(what=self._redact(what))
                ),
            )
        )
        self._redact.add_secrets(self._system.secrets)
        run_interruptible(refuse_wrong_names(self._target, self._system.readonly_url))
        run_interruptible(self._try_tokens(self._system))
        self.bring_up_seconds = self._system.bring_up_seconds
        self.facts = TargetFacts(
            name=self._target.name,
            api_instances=len(self._system.api),
            workers=len(self._system.workers),
            postgres=self._system.postgres_version,
        )
        self._events.emit(SystemReady(target=self.facts, seconds=self.bring_up_seconds))

    async def _try_tokens(self, system: System) -> None:
        """Use the target's tokens once. Raises `Misconfigured` where they cannot be right."""
        mark = mark_of(system, self._settings, self._redact)
        base_urls = [instance.base_url for instance in system.api]
        async with Organizations.of(
            system.target, base_urls, mark, self._redact.add_issued_tokens, system.control_url
        ) as organizations:
            await try_tokens(self._target, organizations)

    def take_down(self, errors: RunErrors) -> None:
        """End all instances, keep their logs, and remove all else of this run. Never raises."""
        self._events.emit(TearDownStarted())
        system, journal = self._system, self._journal
        steps: list[Callable[[], object]] = []
        if system is not None:
            steps.append(lambda: asyncio.run(system.close()))
        if journal is not None:
            steps.append(
                lambda: self._redact.add_issued_tokens(read_issued_tokens(journal.run_dir))
            )
            # Also after a bring-up that failed: the logs say why.
            steps.append(lambda: keep_logs(self.run_dir, self._settings.report_path, self._redact))
            steps.append(lambda: _close(journal, errors))
        for step in steps:
            try:
                step()
            except Exception as error:
                errors.note_crash(error)

    @property
    def _begun(self) -> Journal:
        assert self._journal is not None, "asked for the journal before the run began"
        return self._journal


def _close(journal: Journal, errors: RunErrors) -> None:
    if problems := end_run(journal).problems:
        left = "\n".join(problems)
        errors.note_misconfigured(
            Misconfigured(
                "could not remove everything that the run made; run `shakedown recover`, or remove "
                f"it yourself:\n{left}"
            )
        )
