"""Runs the gate on each defect: first the checks that must catch it, then, if none does, all."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Protocol

from harness.errors import Misconfigured
from harness.prove.gate import Gate
from harness.prove.matrix import DefectResult, GateRun, Matrix, joined_rules, never_failed
from harness.prove.zoo import Defect
from harness.verdict import ExitCode


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a `prove` run does.

    `zoo_size` is the number of defects there are: only a run over all of them can say that a check
    never failed, and only where the zoo has one for `every_check` is that an error. `full` runs the
    whole gate on each, not only the checks expected to catch it.
    """

    gate: Gate
    defects: tuple[Defect, ...]
    zoo_size: int
    every_check: bool = True
    side_by_side: int = 2
    full: bool = False
    clean_runs: int = 1

    @property
    def clean_checks(self) -> tuple[str, ...]:
        """The checks that the clean backend must pass first; empty for the whole gate."""
        return () if self.full or len(self.defects) == self.zoo_size else self.expected

    @property
    def expected(self) -> tuple[str, ...]:
        """All checks that the chosen defects expect, whatever their profile."""
        return tuple(dict.fromkeys(check for each in self.defects for check in each.expected))


class ProgressListener(Protocol):
    """Gets every event of a run as it happens."""

    def clean_run_ended(self, run: GateRun) -> None:
        """The gate has run on the clean backend."""

    def defect_started(self, defect: Defect) -> None:
        """A defect is being tried."""

    def defect_ended(self, result: DefectResult) -> None:
        """A defect was tried."""


def choose_defects(
    zoo: Sequence[Defect], names: Sequence[str], sample: int, seed: int
) -> list[Defect]:
    """The defects to try: those named, else `sample` of them drawn by `seed`, else (0) all.

    Raises:
        Misconfigured: A name is none of the zoo's.
    """
    by_id = {defect.id: defect for defect in zoo}
    unknown = [name for name in names if name not in by_id]
    if unknown:
        similar = [near for name in unknown for near in get_close_matches(name, by_id)]
        hint = f"did you mean {' or '.join(similar)}? " if similar else ""
        raise Misconfigured(
            f"no such defect: {', '.join(unknown)}; {hint}"
            f"`shakedown prove --list` lists all {len(by_id)}"
        )
    if names:
        return [by_id[name] for name in dict.fromkeys(names)]
    if 0 < sample < len(zoo):
        chosen = set(random.Random(seed).sample(sorted(by_id), sample))
        return [defect for defect in zoo if defect.id in chosen]
    return list(zoo)


async def prove_gate(plan: Plan, listener: ProgressListener) -> Matrix:
    """Run the clean backend, then every defect, and report each as it ends.

    The clean backend passes the whole gate where all defects are tried, otherwise the checks that
    the chosen ones expect: the author of a defect does not wait for the others. The whole gate is
    the quick profile, and those checks of longer ones that some defect expects.

    Raises `Misconfigured` when a defect expects a check that the gate does not hold.
    """
    clean = []
    for _ in range(plan.clean_runs):
        clean.append(await plan.gate.run(defect=None, only=plan.clean_checks, also=plan.expected))
        listener.clean_run_ended(clean[-1])
    _refuse_unknown_checks(plan.defects, clean[0])
    results = await run_defects(plan, listener)
    judging = [check for check in clean[0].checks if check not in clean[0].gaps]
    checks = judging if len(plan.defects) == plan.zoo_size else ()
    return Matrix(
        clean=tuple(clean),
        results=results,
        never_failed=never_failed(checks, results),
        every_check=plan.every_check,
    )


def _refuse_unknown_checks(defects: Sequence[Defect], clean: GateRun) -> None:
    """A misspelt id would make the defect look as if nothing could catch it."""
    if clean.exit_code == ExitCode.MISCONFIGURED:
        raise Misconfigured(clean.problem)
    if not clean.checks:
        return  # the gate did not get as far as its checks; its problem says why
    wrong = [
        f"{defect.id} expects {check}"
        for defect in defects
        for check in defect.expected
        if check not in clean.checks
    ]
    if wrong:
        raise Misconfigured(
            f"the zoo names checks that the gate does not have: {'; '.join(wrong)}; "
            "`shakedown checks` lists those there are"
        )


async def run_defects(plan: Plan, listener: ProgressListener) -> tuple[DefectResult, ...]:
    """Try every defect, as many side by side as planned; the answer is in the zoo's order."""
    places = asyncio.Semaphore(plan.side_by_side)

    async def attempt(defect: Defect) -> DefectResult:
        async with places:
            listener.defect_started(defect)
            result = await _try(plan.gate, defect, full=plan.full)
        listener.defect_ended(result)
        return result

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(attempt(defect)) for defect in plan.defects]
    return tuple(task.result() for task in tasks)


async def _try(gate: Gate, defect: Defect, *, full: bool) -> DefectResult:
    """The expected checks first, all of them, so that the matrix shows which of them fail.

    When none does, the whole gate, to see whether another check would.
    """
    first = await gate.run(
        defect=defect.id, only=() if full else defect.expected, also=defect.expected
    )
    runs = [first]
    if not full and not set(first.failed) & set(defect.expected):
        runs.append(await gate.run(defect=defect.id))
    caught_by = tuple(dict.fromkeys(check for run in runs for check in run.failed))
    return DefectResult(
        defect=defect,
        caught_by=caught_by,
        seconds=sum(run.seconds for run in runs),
        problem="; ".join(run.problem for run in runs if run.problem),
        rules=joined_rules(run.rules for run in runs),
    )
