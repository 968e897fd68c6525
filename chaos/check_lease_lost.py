"""A worker goes on after it has lost its exports: it lets go of them, and works on others."""

import random
from collections.abc import Sequence
from functools import partial

from chaos.drills.drill import Drill, FaultStep, run_drill
from chaos.drills.leases.lost_leases import LostLeases
from chaos.drills.slow_work import refuse_unseen_claims, slow_work
from chaos.drills.worker_drill import WorkerDrill, worker_drill
from chaos.faults.pause_instance import pause_instance
from harness.check import check
from harness.checkers import Violation
from harness.history import HistoryWriter
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target

GRACE_S = 1.5
"""The grace of the one that is stopped, where the target file fills in `{drain_grace_s}`."""

NEEDS = frozenset({Capability.TENANTS, Capability.SPAWN, Capability.PAUSE})
BUDGET_S = 90.0


def lease_lost(leases: LostLeases) -> Drill[WorkerDrill]:
    """Give the drill: the worker that is frozen last goes on first."""

    async def prepare(_: WorkerDrill) -> None:
        await leases.hold()

    def faults(drill: WorkerDrill) -> Sequence[FaultStep]:
        first, *others = leases.victims
        pause = partial(pause_instance, drill.own.system, outside=drill.outside)
        steps = [
            FaultStep(
                faults=[pause(each)],
                while_it_holds=leases.stop_second,
                once_healed=leases.expect_nothing_released,
            )
            for each in others
        ]
        return [
            *steps,
            FaultStep(
                faults=[pause(first)],
                while_it_holds=leases.take_over,
                once_healed=leases.expect_left_alone,
            ),
        ]

    async def end(drill: WorkerDrill) -> Sequence[Violation]:
        drill.seen = await drill.view.observed()
        await drill.look(drill.final)
        return drill.looks.judge("exports in the end")

    return Drill[WorkerDrill](
        needs=NEEDS,
        budget_s=BUDGET_S,
        prepare=prepare,
        faults=faults,
        checkers=(end,),
        seen={
            "exports that another worker held when the frozen one went on": lambda _: (
                leases.unchanged
            ),
            "workers that freed the places of what they had lost": lambda _: leases.freed,
        },
    )


@check(
    "chaos.lease-lost",
    "A worker lets go of what it has lost",
    checklist="Verify that a worker that lost its lease stops, and goes on with other work",
    observes=2,
    needs=NEEDS,
    deadline_s=BUDGET_S,
)
async def check_lease_lost(
    fresh_system: FreshSystem,
    target: Target,
    rng: random.Random,
    history: HistoryWriter,
    observe: Observations,
    cells: Cells,
) -> None:
    """Freeze workers that hold all they can (SIGSTOP), let others take it over, and wake them.

    While they are silent, their exports count for the cap of their organization. The first that
    goes on must not touch what it has lost, neither row, lease nor ledger, and must free the
    places of it within two heartbeats: it claims what waits. The second has got SIGTERM meanwhile,
    and cannot send heartbeats: it must release nothing, for nothing is its own.
    """
    refuse_unseen_claims(target)
    values = {"drain_grace_s": f"{GRACE_S:g}"}
    async with (
        worker_drill(fresh_system, target, rng, history, observe, cells, values=values) as drill,
        slow_work(drill) as slow,
    ):
        leases = LostLeases(drill=drill, slow=slow)
        try:
            await run_drill(lease_lost(leases), drill)
        finally:
            await leases.close()
