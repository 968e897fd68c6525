"""Exports of dead workers are taken back, however much else is in progress or locked."""

import random

import pytest

from chaos.drills.recovering.fair_recovery import FairRecovery
from chaos.drills.worker_drill import END, worker_drill
from harness.check import check
from harness.errors import Inconclusive
from harness.findings.preconditions import as_subject
from harness.history import HistoryWriter
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.plugin.settings import settings_of
from harness.target import Capability, Target

LIVING = 102
"""How many older exports are in progress: more than a sweep that is bounded may look at."""

LIVING_IN_FULL = 1002
"""The same where there is more time."""


@check(
    "chaos.recovery-fair",
    "What dead workers held is found behind the living",
    checklist="Verify that recovery is fair and safe while much else is in progress",
    observes=2,
    needs=frozenset(
        {Capability.TENANTS, Capability.SPAWN, Capability.KILL, Capability.DATABASE_CONTROL}
    ),
    deadline_s=90,
)
async def check_recovery_fair(
    fresh_system: FreshSystem,
    target: Target,
    rng: random.Random,
    history: HistoryWriter,
    observe: Observations,
    cells: Cells,
    pytestconfig: pytest.Config,
) -> None:
    """Kill the worker of an organization at its cap, behind 102 older exports with living owners.

    One more export is silent, and its row is locked by a request that cancels it: recovery does not
    wait for it, takes the others back within the stuck timeout and a sweep, and what was canceled
    stays so. The worker that took them back is killed while it works on them, and the next one ends
    all of them, and those that waited for the cap: none is lost or done twice, and the cap is never
    exceeded. In the end the older ones fall silent, all at once, and are taken back by a worker
    that has taken back younger ones before. With the profile `full` there are 1002 of them.
    """
    living = LIVING if settings_of(pytestconfig).profile == "quick" else LIVING_IN_FULL
    async with (
        worker_drill(fresh_system, target, rng, history, observe, cells) as drill,
        FairRecovery.begin(drill, living) as fair,
    ):
        with as_subject():
            await fair.kill_at_work()
            await fair.recover()
            await drill.judge(await fair.end(), what=END)
            async with cells.of(what="all older ones fall silent at once"):
                await fair.let_others_die()
    if cells.findings:
        return
    observe(fair.taken_back, what="exports that were taken back behind living ones")
    observe(fair.killed_again, what="exports whose second worker was killed, too")
    if unseen := [*drill.looks.incomplete, *fair.unseen()]:
        raise Inconclusive("; ".join(unseen))
