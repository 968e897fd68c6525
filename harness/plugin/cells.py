"""The `cells` fixture: a check looks cell by cell, and one finding does not end it."""

import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.asks import in_a_cell
from harness.errors import Absent, CheckFailed, Inconclusive, PreconditionNotMet
from harness.evidence import Evidence
from harness.findings.exchanges import Recent, remembering
from harness.findings.finding import CellCounts, Finding
from harness.findings.fingerprint import Coordinates, cell_key
from harness.plugin.judging.findings import Outcome, judge
from harness.plugin.judging.machine_faults import excused
from harness.verdict import Verdict

MOST_FINDINGS = 1_000
"""A check with more ends: whatever a baseline accepts, this is no known state."""

MOST_SHOWN = 50
"""Findings of a check that keep texts and evidence; of more only rule and subject are kept."""

SLOW_S = 1.0
MOST_SLOW_S = 20.0
"""Cells with findings that took longer than `SLOW_S` may take so long together."""

MOST_REASONS = 20
MOST_CLEAN = 20_000


class EnoughSeen(CheckFailed):
    """Ends a check that has found enough; its findings are kept."""


@dataclass(kw_only=True)
class Cells:
    """Where a check looks, and what it found there. `async with cells.of(operation="getJob"): …`.

    What fails inside a cell becomes a finding, and the check goes on after it. `Inconclusive`
    inside makes the cell "not looked at", a precondition that is not met makes it blocked; both
    leave the check without a pass. What the target declares absent (`Absent`) takes the cell away,
    and the check judges the others. Under `-x`, `--pdb` and `prove` the first finding is raised.
    """

    check_id: str
    check_path: Path
    owns: frozenset[str] = frozenset()
    """Rules of preconditions that are this check's own business."""
    stop_at_first: bool = False
    on_broken: Callable[[str], None] = lambda _rule: None
    """Called with the rule when a precondition that this check owns is found broken."""
    hindered_by: Callable[[], str] = lambda: ""
    """Says what of our machine may make the backend fail, such as a full disk; else empty."""
    evidence_of: Callable[[Recent], tuple[Evidence, ...]] = lambda _recent: ()
    """Makes evidence of the requests that a cell sent."""
    findings: list[Finding] = field(default_factory=list)
    """What was found, each fingerprint once."""
    blocked: list[Finding] = field(default_factory=list)
    _known: set[str] = field(default_factory=set)
    _looked_at: int = 0
    _clean: list[str] = field(default_factory=list)
    _with_findings: int = 0
    _blocked: int = 0
    _absent: Counter[str] = field(default_factory=Counter)
    _reasons: Counter[str] = field(default_factory=Counter)
    _slow_s: float = 0.0

    @asynccontextmanager
    async def of(self, *, rule: str = "", **where: object) -> AsyncIterator[None]:
        """Look at one cell; the names say what was looked at, in the contract's words.

        `rule` is what a failure inside breaks where its `expect` names none; without it the
        check's own id. Values must be the same in every run: no ids, times, counts.
        """
        cell: Coordinates = tuple((name, str(value)) for name, value in where.items())
        began = time.monotonic()
        with remembering() as exchanges, in_a_cell():
            try:
                yield
            except EnoughSeen:
                raise
            except Absent as absent:
                self._absent[absent.name] += 1
            except (CheckFailed, Inconclusive, AssertionError) as error:
                if self.stop_at_first and not isinstance(error, PreconditionNotMet | Inconclusive):
                    _say_where(error, rule=rule, cell=cell)
                    raise
                self._note(error, rule, cell, exchanges, began)
            else:
                self._looked_at += 1
                if len(self._clean) < MOST_CLEAN:
                    self._clean.append(cell_key(self.check_id, cell))

    def _note(
        self,
        error: Exception,
        rule: str,
        cell: Coordinates,
        recent: Recent,
        began: float,
    ) -> None:
        outcome = self.judged(error, recent, rule)
        if outcome.verdict is not Verdict.FAIL:
            self._reasons[outcome.message] += 1
            return
        if self._take(outcome, rule, cell, recent):
            self._with_findings += 1
        else:
            self._blocked += 1
        seconds = time.monotonic() - began
        self._slow_s += seconds if seconds > SLOW_S else 0.0
        if self._slow_s > MOST_SLOW_S:
            raise EnoughSeen(
                expected=outcome.expected,
                got=f"{self._slow_s:.0f} s of cells like this; the others were not looked at",
            )

    def judged(self, error: BaseException, recent: Recent, rule: str = "") -> Outcome:
        """Say what an exception means, and whether our machine may be the reason."""
        outcome = judge(error, self.check_path)
        return excused(outcome, rule or self.check_id, recent, self.hindered_by)

    def take(self, outcome: Outcome, recent: Recent) -> None:
        """Take a failure of the check outside its cells, or one that left its cell."""
        with contextlib.suppress(EnoughSeen):
            self._take(outcome, "", (), recent)

    def _take(self, outcome: Outcome, rule: str, cell: Coordinates, recent: Recent) -> bool:
        """Keep a failure; says whether it is a finding, not something that blocks the check.

        The fingerprint of every one is kept, texts and evidence of the first. Raises `EnoughSeen`
        at more than `MOST_FINDINGS`.
        """
        finding = outcome.finding(rule or self.check_id, cell)
        is_own = not outcome.precondition or finding.rule in self.owns
        if finding.rule in self.owns:
            self.on_broken(finding.rule)
        if finding.fingerprint in self._known:
            return is_own
        self._known.add(finding.fingerprint)
        kept = self.findings if is_own else self.blocked
        if len(kept) < MOST_SHOWN:
            finding = replace(finding, evidence=(*self.evidence_of(recent), *finding.evidence))
        else:
            finding = Finding(
                rule=finding.rule, subject=finding.subject, cell=finding.cell, aspect=finding.aspect
            )
        kept.append(finding)
        if len(kept) > MOST_FINDINGS:
            raise EnoughSeen(
                expected=f"at most {MOST_FINDINGS} findings of one check", got="more; it ended"
            )
        return is_own

    def counts(self) -> CellCounts:
        """How the cells ended."""
        return CellCounts(
            looked_at=self._looked_at,
            findings=self._with_findings,
            blocked=self._blocked,
            not_looked_at=sum(self._reasons.values()),
            absent=sum(self._absent.values()),
            absent_names=tuple(self._absent.most_common(MOST_REASONS)),
            reasons=tuple(self._reasons.most_common(MOST_REASONS)),
            clean=tuple(self._clean),
        )


def _say_where(error: Exception, *, rule: str, cell: Coordinates) -> None:
    """Give an error that leaves its cell what the cell knew about it."""
    if isinstance(error, CheckFailed):
        error.rule = error.rule or rule
        error.subject = error.subject or ", ".join(value for _, value in cell)
