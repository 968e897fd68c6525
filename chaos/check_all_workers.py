"""All workers are killed at once, twice in a row: new ones take everything back."""

import random

from chaos.drills.recovering.all_workers import AllWorkers
from chaos.drills.worker_drill import END, end_violations, worker_drill
from harness.check import check
from harness.errors import Inconclusive
from harness.findings.preconditions import as_subject
from harness.history import HistoryWriter
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target

DEATHS = 2
"""How often all die, one time after the other: an export has an attempt left then."""


@check(
    "chaos.all-workers",
    "All workers die at once, and no export is lost",
    checklist="Verify that exports survive the loss of the whole pool of workers",
    observes=2,
    needs=frozenset({Capability.TENANTS, Capability.SPAWN, Capability.KILL}),
    deadline_s=120,
    profile="full",
)
async def check_all_workers(
    fresh_system: FreshSystem,
    target: Target,
    rng: random.Random,
    history: HistoryWriter,
    observe: Observations,
    cells: Cells,
) -> None:
    """Kill all workers at once while they hold exports, and their successors, too.

    More exports are requested while none of them lives. The third ones take everything back after
    the stuck timeout and within a sweep, not before, and every accepted export is done once.
    """
    deaths = min(DEATHS, target.limits.max_attempts - 1)
    if not deaths:
        raise Inconclusive("[limits] max_attempts = 1: no export outlives its worker")
    async with worker_drill(fresh_system, target, rng, history, observe, cells) as drill:
        workers = AllWorkers(drill=drill)
        await drill.backlog.grow(4)
        with as_subject():
            for _ in range(deaths):
                await workers.kill_at_work()
                await drill.backlog.grow(1)
            await workers.start_again()
            await drill.wait_until_ended()
            await drill.judge(await end_violations(drill), what=END)
    if cells.findings:
        return
    observe(workers.deaths, what="deaths of all workers, with exports")
    if drill.looks.incomplete:
        raise Inconclusive("; ".join(drill.looks.incomplete))
