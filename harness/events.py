"""What happens in a run, as small values. The engine emits them; reporters only consume them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from harness.asks import NOTHING_ASKED, Asks
from harness.check import CheckSpec, plain_id
from harness.coverage import CoverageTable
from harness.findings.finding import NO_CELLS, CellCounts, Finding
from harness.findings.rule import owners_of
from harness.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One part of running a check."""

    name: str
    """`setup`, `call` or `teardown`."""
    seconds: float
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """The verdict of a check, and why."""

    id: str
    title: str
    checklist: str
    verdict: Verdict
    observations: int
    needed_observations: int
    seconds: float
    """From the start of its fixtures to the end of their teardown."""
    fewer: tuple[tuple[str, int], ...] = ()
    """Why a pass needs fewer observations than the check asks for, and how many fewer."""
    message: str = ""
    """Why it is not a pass: the full reason in plain text. Empty for a pass."""
    where: str = ""
    """`file:line` of the check that found it."""
    log: str = ""
    """The file with the traceback and the captured output, empty when there is nothing to see."""
    reproduce: str = ""
    """The command line that runs this check alone again, with the same seed."""
    ran: bool = True
    """False when it never started; the message says why."""
    allowed: bool = False
    """Inconclusive, and declared to be so by `--allow-inconclusive`."""
    coverage: tuple[CoverageTable, ...] = ()
    """Where it looked, for the checks that record it."""
    description: str = ""
    """What holds exactly when the check passes."""
    findings: tuple[Finding, ...] = ()
    """Every rule it saw broken, with subject and cell."""
    blocked: tuple[Finding, ...] = ()
    """What it needed to exist and could not make: blocked by another check's finding, or a finding
    of its own; the run decides."""
    cells: CellCounts = NO_CELLS
    """How the cells that it reached ended."""
    asked: Asks = NOTHING_ASKED
    """What it asked of the backend, and what the target has not of it."""
    phases: tuple[Phase, ...] = ()
    """Set-up, call and tear-down, as far as it got."""

    @classmethod
    def of(cls, spec: CheckSpec, verdict: Verdict, **more: Any) -> Self:  # noqa: ANN401
        """Build the result of a declared check; `more` are this class's other fields."""
        return cls(
            id=spec.id,
            title=spec.title,
            checklist=spec.checklist,
            description=spec.description,
            verdict=verdict,
            needed_observations=more.pop("needed_observations", spec.observes),
            observations=more.pop("observations", 0),
            seconds=more.pop("seconds", 0.0),
            **more,
        )

    @property
    def family(self) -> str:
        """The part of the id before its first dot."""
        return self.id.partition(".")[0]

    @property
    def owned_findings(self) -> tuple[Finding, ...]:
        """What it found of the preconditions that are its business, not another check's."""
        plain = plain_id(self.id)
        return tuple(each for each in self.findings if plain in owners_of(each.rule))

    @property
    def accepted(self) -> bool:
        """Whether it failed by nothing but accepted findings."""
        known = bool(self.findings) and all(finding.accepted for finding in self.findings)
        return self.verdict is Verdict.FAIL and known

    @property
    def counts(self) -> bool:
        """Whether its verdict counts for the run's."""
        return not (self.allowed or self.accepted)


@dataclass(frozen=True, kw_only=True)
class TargetFacts:
    """What was tested, as far as a report shows it."""

    name: str
    api_instances: int
    workers: int
    postgres: str | None
    """The server's version, None where the harness has no access to the database."""


@dataclass(frozen=True, kw_only=True)
class RunStarted:
    """A run has begun; nothing is up yet."""

    target_name: str
    seed: int
    profile: str
    report_path: Path


@dataclass(frozen=True, kw_only=True)
class BringUpProgress:
    """One more step of the bring-up is done or begun."""

    what: str


@dataclass(frozen=True, kw_only=True)
class SystemReady:
    """Every instance answers its ready path."""

    target: TargetFacts
    seconds: float


@dataclass(frozen=True, kw_only=True)
class ChecksSelected:
    """These checks will run, in this order unless they run in parallel."""

    checks: tuple[CheckSpec, ...]


@dataclass(frozen=True, kw_only=True)
class CheckStarted:
    """A check begins."""

    id: str
    title: str


@dataclass(frozen=True, kw_only=True)
class CheckFinished:
    """A check has a verdict."""

    result: CheckResult


@dataclass(frozen=True, kw_only=True)
class TearDownStarted:
    """The checks are over, or the run was stopped; the system is being taken down."""


@dataclass(frozen=True, kw_only=True)
class DebuggerEntered:
    """Somebody is about to debug a check: the terminal belongs to them now."""


@dataclass(frozen=True, kw_only=True)
class Ratchet:
    """How a run compares with what is accepted."""

    known: int
    """Findings that are accepted."""
    new: tuple[str, ...]
    """Fingerprints of those that are not."""
    fixed: tuple[str, ...]
    """Accepted ones whose cell was looked at and is clean: each in one line."""
    not_seen: tuple[str, ...]
    """Accepted ones whose cell was not looked at."""
    expired: tuple[str, ...]
    """What was accepted until a day that is over."""
    blocked: int = 0
    """Inconclusive checks that are allowed because an accepted finding blocks them."""


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """A whole run, as the reports show it."""

    verdict: Verdict
    exit_code: int
    seed: int
    profile: str
    started_at: datetime
    seconds: float
    bring_up_seconds: float | None
    """None when the system never was ready."""
    target: TargetFacts
    checks: tuple[CheckResult, ...]
    report_path: Path
    error: str = ""
    """Why the run as such went wrong (misconfigured, interrupted, internal error), else empty."""
    ratchet: Ratchet | None = None
    """Where a baseline, or the target file, accepts something."""
    version: str = ""
    """Of Shakedown."""
    run_id: str = ""
    """The mark of what the run made; empty when the run ended before it got one."""
    old_names: tuple[str, ...] = ()
    """Where the team's checks use names that have another one now, and what to write."""
    unmet_words: tuple[str, ...] = ()
    """Which words of the backend the target file declares, and no answer of the run had."""

    def count(self, verdict: Verdict) -> int:
        """How many checks have this verdict."""
        return sum(result.verdict is verdict for result in self.checks)


@dataclass(frozen=True, kw_only=True)
class RunFinished:
    """Everything is taken down; the verdict is known."""

    summary: RunSummary


Event = (
    RunStarted
    | BringUpProgress
    | SystemReady
    | ChecksSelected
    | CheckStarted
    | CheckFinished
    | TearDownStarted
    | DebuggerEntered
    | RunFinished
)


class Reporter:
    """Consumes events; never touches execution."""

    def handle(self, event: Event) -> None:
        """Take one event. Called in order, from one thread."""

    def close(self) -> None:
        """Give back the terminal and files; called exactly once, also after a crash."""


class Broadcast:
    """Hands each event to every reporter; one that crashes is dropped, the run goes on."""

    def __init__(self, reporters: Sequence[Reporter]) -> None:
        self._reporters = list(reporters)
        self.errors: list[Exception] = []
        """Why reporters crashed; the run then ends as an internal error."""

    def emit(self, event: Event) -> None:
        """Hand the event to every reporter still alive."""
        for reporter in list(self._reporters):
            try:
                reporter.handle(event)
            except BrokenPipeError:  # the reader is gone, as in `shakedown run | head`
                self._drop(reporter)
            except Exception as error:
                self.errors.append(error)
                self._drop(reporter)

    def close(self) -> None:
        """Close every reporter still alive."""
        for reporter in list(self._reporters):
            self._drop(reporter)

    def _drop(self, reporter: Reporter) -> None:
        self._reporters.remove(reporter)
        try:
            reporter.close()
        except BrokenPipeError:
            pass
        except Exception as error:
            self.errors.append(error)
