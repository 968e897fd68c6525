"""Some instances lose their database while the others keep it."""

import random

from chaos.drills.drill import Drill, run_drill
from chaos.drills.outage import Outage
from chaos.drills.outages.cut_links import CutLinks
from chaos.drills.slow_work import SlowWork, refuse_unseen_claims, table_to_lock
from chaos.drills.worker_drill import WorkerDrill, end_violations, worker_drill
from harness.check import check
from harness.history import HistoryWriter
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target

API_INSTANCES = 3
"""One is refused, one hears nothing, and the last keeps its database."""

NEEDS = frozenset(
    {Capability.TENANTS, Capability.SPAWN, Capability.PAUSE, Capability.DATABASE_CONTROL}
)
BUDGET_S = 120


def cut_drill(cut: CutLinks) -> Drill[WorkerDrill]:
    """Give the drill of one cut."""
    return Drill(
        needs=NEEDS,
        budget_s=BUDGET_S,
        prepare=cut.hold_exports,
        faults=cut.faults,
        drain=cut.end,
        checkers=(end_violations,),
        seen={
            "exports in progress when their workers were cut off": lambda drill: len(drill.orphans),
            "answers of instances without a database": lambda _: cut.looked,
            "exports that another worker held when the link was back": lambda _: cut.kept,
            "workers that claimed again when the link was back": lambda _: cut.returned,
        },
    )


@check(
    "chaos.database-cut",
    "Instances cut off from the database come back",
    checklist="Verify that a part of the system can lose its database and get it back",
    observes=4,
    needs=NEEDS,
    profile="full",
    deadline_s=BUDGET_S,
)
async def check_database_cut(
    fresh_system: FreshSystem,
    target: Target,
    rng: random.Random,
    history: HistoryWriter,
    observe: Observations,
    cells: Cells,
) -> None:
    """Cut API instances and workers off from the database, some by refusing, some by silence.

    Meanwhile they live and are not ready, and every other request gets 503 with Retry-After, also
    where packets are lost without a word; an instance that keeps its database serves. What the cut
    workers held is taken over in time. When the links are back, these workers leave it to its new
    owner, and all works again without a restart; every export is done once.
    """
    refuse_unseen_claims(target)
    async with worker_drill(
        fresh_system,
        target,
        rng,
        history,
        observe,
        cells,
        api_instances=API_INSTANCES,
        proxied=True,
    ) as drill:
        slow = SlowWork(drill=drill, by_failpoint=False, table=await table_to_lock(drill))
        outage = await Outage.of(drill, instance=API_INSTANCES - 1)
        try:
            await run_drill(cut_drill(CutLinks(drill=drill, outage=outage, slow=slow)), drill)
        finally:
            await slow.end()
