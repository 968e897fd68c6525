"""A worker is killed at work: another one finishes what it had begun."""

import random
from collections.abc import Sequence
from functools import partial

from chaos.drills.drill import Drill, FaultStep, run_drill
from chaos.drills.worker_drill import WorkerDrill, end_violations, worker_drill
from chaos.faults.kill_instances import kill_instances
from harness.check import check
from harness.history import HistoryWriter
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target


async def freeze_one(drill: WorkerDrill) -> None:
    """Request exports, and freeze a worker that holds some."""
    await drill.freeze_busy(1)


def kill_it(drill: WorkerDrill) -> Sequence[FaultStep]:
    """Kill it, look what it held, then start another one."""
    victims = [each.worker for each in drill.victims]
    system, outside = drill.own.system, drill.outside
    return [
        FaultStep(
            faults=[kill_instances(system, victims, replacements=1, outside=outside)],
            while_it_holds=partial(drill.find_orphans, "SIGKILL"),
            once_healed=drill.begin_recovery,
        )
    ]


KILL_ONE = Drill[WorkerDrill](
    needs=frozenset({Capability.TENANTS, Capability.SPAWN, Capability.KILL, Capability.PAUSE}),
    budget_s=60,
    prepare=freeze_one,
    faults=kill_it,
    drain=WorkerDrill.wait_until_ended,
    checkers=(end_violations,),
    seen={"exports whose worker was killed": lambda drill: len(drill.orphans)},
)


@check(
    "chaos.worker-kill-once",
    "A killed worker's exports are done once",
    checklist="Verify our recovery",
    observes=1,
    needs=KILL_ONE.needs,
    profile="full",
    deadline_s=KILL_ONE.budget_s,
)
async def check_worker_kill_once(
    fresh_system: FreshSystem,
    target: Target,
    rng: random.Random,
    history: HistoryWriter,
    observe: Observations,
    cells: Cells,
) -> None:
    """Kill a worker with SIGKILL while it holds exports, and start another one.

    Every accepted export is ready in the end, with one `export.completed` event and an intact
    download.
    """
    async with worker_drill(fresh_system, target, rng, history, observe, cells) as drill:
        await run_drill(KILL_ONE, drill)
