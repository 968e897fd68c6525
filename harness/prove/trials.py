"""Puts each defect before the gate: the checks whose business it is first, the whole gate where asked or needed."""

import asyncio
import random
from collections.abc import Callable, Sequence

from harness.errors import Misconfigured
from harness.prove.gate import Gate
from harness.prove.matrix import GateRun, Trial
from harness.prove.zoo import Defect

Report = Callable[[Trial], None]


def choose(zoo: Sequence[Defect], names: Sequence[str], sample: int, seed: int) -> list[Defect]:
    """The defects to try: those named, else `sample` of them drawn by `seed`, else (0) all.

    Raises:
        Misconfigured: A name is none of the zoo's.
    """
    by_id = {defect.id: defect for defect in zoo}
    unknown = [name for name in names if name not in by_id]
    if unknown:
        raise Misconfigured(
            f"no such defect: {', '.join(unknown)}; the zoo holds: {', '.join(sorted(by_id))}"
        )
    if names:
        return [by_id[name] for name in dict.fromkeys(names)]
    if 0 < sample < len(zoo):
        chosen = set(random.Random(seed).sample(sorted(by_id), sample))
        return [defect for defect in zoo if defect.id in chosen]
    return list(zoo)


async def run_clean(gate: Gate, runs: int) -> tuple[GateRun, ...]:
    """The gate on the backend without a defect, one run after the other."""
    return tuple([await gate.run(defect=None) for _ in range(runs)])


async def run_trials(
    gate: Gate, defects: Sequence[Defect], *, side_by_side: int, full: bool, report: Report
) -> tuple[Trial, ...]:
    """Try every defect, `side_by_side` at a time, and tell `report` of each as it ends."""
    places = asyncio.Semaphore(side_by_side)

    async def attempt(defect: Defect) -> Trial:
        async with places:
            trial = await _try(gate, defect, full=full)
        report(trial)
        return trial

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(attempt(defect)) for defect in defects]
    return tuple(task.result() for task in tasks)


async def _try(gate: Gate, defect: Defect, *, full: bool) -> Trial:
    """The expected checks first; when none of them bites, the whole gate, to see who else would."""
    first = await gate.run(defect=defect.id, only=() if full else defect.expected)
    runs = [first]
    if not full and not set(first.failed) & set(defect.expected):
        runs.append(await gate.run(defect=defect.id))
    caught_by = tuple(dict.fromkeys(check for run in runs for check in run.failed))
    return Trial(
        defect=defect,
        caught_by=caught_by,
        seconds=sum(run.seconds for run in runs),
        problem="; ".join(run.problem for run in runs if run.problem),
    )
