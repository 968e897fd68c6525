"""Workers are killed at every edge of an export's life: nothing is lost and nothing is repeated."""

import random
from collections.abc import Sequence
from functools import partial

from chaos.drills.drill import Drill, FaultStep, run_drill
from chaos.drills.worker_drill import (
    WorkerDrill,
    end_violations,
    worker_drill,
)
from chaos.faults.kill_instances import kill_instances
from harness.check import check
from harness.errors import Inconclusive
from harness.history import HistoryWriter
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target
from harness.vocabulary.exports import READY

UNTIL_KILLED_S = 60.0
"""How long a victim sleeps at its failpoint: it is killed before the end."""

LONGER_S = 0.7
"""How much longer the long export takes than recovery: its worker takes no other export."""

LONG_FAILPOINT = "while_working"
HEALTHY_WORKERS = 2
VICTIMS_WITHOUT_FAILPOINTS = 6
ENOUGH_HELD = 6
ORGANIZATIONS = 10


async def hold_exports(drill: WorkerDrill) -> None:
    """Bring workers to the point where each holds exports, at every failpoint that there is."""
    if drill.failpoints is None:
        await drill.freeze_busy(VICTIMS_WITHOUT_FAILPOINTS, enough=ENOUGH_HELD)
    else:
        names = drill.failpoints.names
        wanted = [(name, UNTIL_KILLED_S) for name in names]
        if LONG_FAILPOINT in names:
            wanted.append((LONG_FAILPOINT, long_s(drill)))
        await drill.park(wanted, organizations=ORGANIZATIONS, until_full=True)
        drill.victims = drill.victims[: len(names)]
    for (export_id, _), each in drill.held.items():
        is_alive = "" if each in drill.victims else ", alive"
        drill.notes[export_id] = f"{each.worker.name} was {each.where} with it{is_alive}"
    # Workers are parked before and after they store objects: a `ready` that is too early is seen.
    observed = drill.seen = await drill.view.observed()
    await drill.look(observed, downloads=True)
    what = "ready exports before the kill"
    await drill.judge(drill.looks.judge(what), what=what)


def long_s(drill: WorkerDrill) -> float:
    """How long the one export takes that a healthy worker works on meanwhile."""
    return drill.times.stuck_timeout_s + 2 * drill.times.sweep_interval_s + LONGER_S


def kill_all(drill: WorkerDrill) -> Sequence[FaultStep]:
    """Kill all victims at once; healthy workers are started when their exports were looked at."""
    victims = [each.worker for each in drill.victims]
    return [
        FaultStep(
            faults=[
                kill_instances(
                    drill.own.system, victims, replacements=HEALTHY_WORKERS, outside=drill.outside
                )
            ],
            while_it_holds=partial(expect_consistent_orphans, drill),
            once_healed=partial(begin_recovery, drill),
        )
    ]


async def expect_consistent_orphans(drill: WorkerDrill) -> None:
    """Find the orphans, and where state and ledger disagree: nothing can write any more."""
    observed = drill.seen = await drill.view.observed()
    names = ", ".join(each.worker.name for each in drill.victims)
    await drill.look(observed)
    what = "exports when their workers were dead"
    await drill.judge(
        drill.looks.judge(what),
        what=what,
        detail=f"seen when {names} were dead, before healthy workers were started",
    )
    await drill.find_orphans("SIGKILL")
    if not drill.orphans:
        raise Inconclusive(f"none of the killed workers had an export in progress: {names}")


async def begin_recovery(drill: WorkerDrill) -> None:
    """Note when healthy workers were there."""
    await drill.begin_recovery()
    drill.detail = f"healthy workers ran from {drill.recovery.watched_from:%H:%M:%S.%f} on"


def killed_exports(drill: WorkerDrill) -> int:
    """Count the exports whose worker was killed. `Inconclusive` unless a long one was outlived."""
    expect_outlived(drill)
    return sum(each in drill.victims for each in drill.held.values())


def expect_outlived(drill: WorkerDrill) -> None:
    """`Inconclusive` unless an export of the healthy worker took longer than the stuck timeout."""
    healthy = {each.worker.name for each in drill.held.values() if each not in drill.victims}
    if not healthy:
        return
    steps = drill.final.watched()
    claimed = {
        step.export_id: step.at
        for step in steps
        if step.is_claim and step.new_claimed_by in healthy
    }
    took = [
        (step.at - claimed[step.export_id]).total_seconds()
        for step in steps
        if step.new_state == READY and step.export_id in claimed
    ]
    if max(took, default=0) <= drill.times.stuck_timeout_s:
        raise Inconclusive(
            f"no export of {', '.join(healthy)} took longer than the stuck timeout "
            f"({drill.times.stuck_timeout_s:g} s) though it slept {long_s(drill):g} s at "
            f"{LONG_FAILPOINT}: {[f'{seconds:.2f} s' for seconds in took]}"
        )


KILL = Drill[WorkerDrill](
    needs=frozenset({Capability.TENANTS, Capability.SPAWN, Capability.KILL}),
    budget_s=90,
    prepare=hold_exports,
    faults=kill_all,
    drain=WorkerDrill.wait_until_ended,
    checkers=(end_violations,),
    seen={"exports whose worker was killed": killed_exports},
)


@check(
    "chaos.worker-kill",
    "Killed workers lose and repeat no export",
    checklist="Verify recovery after a worker is killed (SIGKILL) in the middle of an export",
    observes=6,
    needs=KILL.needs,
    deadline_s=KILL.budget_s,
)
async def check_worker_kill(
    fresh_system: FreshSystem,
    target: Target,
    rng: random.Random,
    history: HistoryWriter,
    observe: Observations,
    cells: Cells,
) -> None:
    """Kill workers with SIGKILL at each edge of an export's life, then start healthy ones.

    At the moment of the kill, state and ledger agree, and what is ready downloads intact. In the
    end every accepted export is ready with one `export.completed` event and an intact download;
    what the dead workers held was taken back after the stuck timeout and within a sweep, at the
    next attempt. An export that takes longer than the stuck timeout stays with its living worker.
    """
    async with worker_drill(fresh_system, target, rng, history, observe, cells) as drill:
        await run_drill(KILL, drill)
