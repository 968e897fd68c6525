"""Runs the planned scenarios, interleaving by interleaving, and collects what they broke."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harness.explore.rules.applicable import applicable_rules
from harness.explore.rules.event_orders import judge_in_every_order
from harness.explore.rules.invariants import issued_tokens, violations
from harness.explore.rules.violation import Violation
from harness.explore.running.explored_database import ExploredDatabase
from harness.explore.running.interleaving import run_interleaving
from harness.explore.scripts.scenarios import PlannedScenario
from harness.explore.scripts.schedules import Every, Fixed, Sample, all_schedules
from harness.explore.scripts.shrink import Case, shorter
from harness.explore.trace import Trace

SHRINKING_RUNS = 150
"""How many interleavings making one shorter may take."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A rule that was broken, in the shortest interleaving found."""

    violation: Violation
    trace: Trace
    title: str
    """The scenario in which it was found."""
    shrunk_from: int
    """How many steps the interleaving had in which it was first seen."""


@dataclass(frozen=True, kw_only=True)
class Covered:
    """How much of one scenario was run."""

    planned: PlannedScenario
    run: int = 0
    merged: int = 0
    """Interleavings that are the same as another, because a step has to wait."""
    violating: int = 0
    complete: bool = False
    """Whether all that was planned has been run."""


@dataclass(kw_only=True)
class Exploration:
    """What an exploration found, and how far it got."""

    covered: list[Covered] = field(default_factory=list)
    findings: dict[str, Finding] = field(default_factory=dict)
    """By rule."""
    broken: Counter[str] = field(default_factory=Counter)
    """In how many interleavings each rule was broken."""
    retriable_errors: Counter[str] = field(default_factory=Counter)
    """Deadlocks and serialization failures, by SQLSTATE; each rolls a transaction back."""
    seconds: float = 0.0
    stopped_by: str = ""
    """Why it did not run everything that was planned."""
    rules: frozenset[str] = frozenset()
    """The rules that some interleaving could have broken."""
    not_looked_at: str = ""
    """What the protocol file gives no way to look at, and what to write; empty for nothing."""

    @property
    def run(self) -> int:
        """How many interleavings were run."""
        return sum(each.run for each in self.covered)

    @property
    def merged(self) -> int:
        """How many are the same as another, because a step has to wait."""
        return sum(each.merged for each in self.covered)

    @property
    def is_complete(self) -> bool:
        """Whether everything that was planned has been run."""
        return all(each.complete for each in self.covered)

    @property
    def is_conclusive(self) -> bool:
        """Whether it may be said that the rules hold, as far as none was broken."""
        return self.is_complete and not self.not_looked_at


@dataclass(frozen=True, kw_only=True)
class Budget:
    """When to stop; None is no bound."""

    interleavings: int | None = None
    seconds: float | None = None
    findings: int | None = None
    """How many different rules may have been broken before it is enough."""


async def explore(
    database: ExploredDatabase,
    plan: Sequence[PlannedScenario],
    *,
    seed: int,
    budget: Budget | None = None,
    on_progress: Callable[[Exploration], None] = lambda _: None,
) -> Exploration:
    """Run the plan, scenario by scenario, until it is done or the budget is used up.

    Each rule that is broken is shown in the shortest interleaving found. Raises
    `CannotGoOnError` and `Misconfigured`; the database is left without open transactions.
    """
    explorer = _Explorer(
        database=database, seed=seed, budget=budget or Budget(), on_progress=on_progress
    )
    await explorer.run(plan)
    return explorer.found


@dataclass(kw_only=True)
class _Explorer:
    database: ExploredDatabase
    seed: int
    budget: Budget
    on_progress: Callable[[Exploration], None]
    found: Exploration = field(default_factory=Exploration)
    tokens: set[str] = field(default_factory=set)
    began: float = field(default_factory=time.monotonic)

    async def run(self, plan: Sequence[PlannedScenario]) -> None:
        self.found.not_looked_at = self.database.protocol.not_looked_at()
        self.found.covered = [Covered(planned=planned) for planned in plan]
        for place, planned in enumerate(plan):
            if self._is_used_up():
                break
            await self._run_scenario(place, planned)
        self.found.seconds = time.monotonic() - self.began

    async def _run_scenario(self, place: int, planned: PlannedScenario) -> None:
        scenario = planned.scenario
        if planned.sample is None:
            chooser: Every | Sample = Every(all_schedules(scenario.scripts))
        else:
            rng = random.Random(f"{self.seed}:{scenario.title}")
            chooser = Sample(scenario.scripts, planned.sample, rng)
        run = violating = 0
        while chooser.more() and not self._is_used_up():
            trace = await run_interleaving(self.database, scenario, chooser)
            if trace is not None:
                run += 1
                violating += await self._judge(trace)
            self.found.seconds = time.monotonic() - self.began
            self.found.covered[place] = Covered(
                planned=planned,
                run=run,
                merged=chooser.merged if isinstance(chooser, Every) else 0,
                violating=violating,
                complete=not chooser.more(),
            )
            self.on_progress(self.found)

    async def _judge(self, trace: Trace) -> bool:
        found = self._violations(trace)
        self.found.rules |= applicable_rules(trace)
        rules = dict.fromkeys(violation.rule for violation in found)
        self.found.broken.update(rules.keys())
        for moment in trace.moments:
            for ended in moment.ended():
                if ended.error is not None and ended.error.is_retriable:
                    self.found.retriable_errors[ended.error.sqlstate] += 1
        for rule in rules:
            if rule not in self.found.findings:
                self.found.findings[rule] = await self._shortest(rule, trace, found)
        return bool(found)

    def _violations(self, trace: Trace) -> list[Violation]:
        state, earlier = self.database.protocol.state, self.tokens
        _, found = judge_in_every_order(trace, lambda each: violations(each, state, earlier))
        self.tokens.update(issued_tokens(trace))
        return found

    async def _shortest(self, rule: str, trace: Trace, found: list[Violation]) -> Finding:
        """Make the interleaving shorter as long as it breaks the rule."""
        title, size = trace.scenario.title, len(trace.schedule)
        best = next(violation for violation in found if violation.rule == rule)
        case = Case(scenario=trace.scenario, schedule=trace.schedule)
        runs, improved = 0, True
        while improved:
            improved = False
            for candidate in shorter(case):
                if runs >= SHRINKING_RUNS:
                    break
                runs += 1
                again = await run_interleaving(
                    self.database, candidate.scenario, Fixed(candidate.schedule)
                )
                broken = self._violations(again) if again else []
                worst = next((each for each in broken if each.rule == rule), None)
                if again is not None and worst is not None:
                    case, trace, best, improved = candidate, again, worst, True
                    break
        return Finding(violation=best, trace=trace, title=title, shrunk_from=size)

    def _is_used_up(self) -> bool:
        if self.found.stopped_by:
            return True
        budget, found = self.budget, self.found
        if budget.interleavings is not None and found.run >= budget.interleavings:
            found.stopped_by = f"the budget of {budget.interleavings} interleavings is used up"
        elif budget.seconds is not None and time.monotonic() - self.began >= budget.seconds:
            found.stopped_by = f"the budget of {budget.seconds:g} s is used up"
        elif budget.findings is not None and len(found.findings) >= budget.findings:
            found.stopped_by = f"{len(found.findings)} broken rules are enough"
        return bool(found.stopped_by)
