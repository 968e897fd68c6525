"""The database hangs: connections stay open and nothing is answered, until it answers again."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass

from chaos.drills.drill import Drill, FaultStep, run_drill
from chaos.drills.outage import AT_ONCE, Outage
from chaos.drills.worker_drill import WorkerDrill, end_violations, worker_drill
from chaos.faults.half_open import half_open
from chaos.faults.link import database_link
from harness.check import check
from harness.errors import CheckFailed, Inconclusive
from harness.expect import expect_status
from harness.history import HistoryWriter
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target


@dataclass(kw_only=True)
class Hang:
    """One API instance whose database hangs, and what is looked at meanwhile and afterwards."""

    drill: WorkerDrill
    outage: Outage
    looked: int = 0
    """Answers that were seen while it hung."""

    async def expect_served(self, _: WorkerDrill) -> None:
        """Expect so many requests at once to be served before anything is harmed."""
        try:
            await self.outage.expect_back()
        except CheckFailed as failure:
            why = f"so many requests at once are not served without an outage: {failure}"
            raise Inconclusive(why) from failure

    def faults(self, _: WorkerDrill) -> Sequence[FaultStep]:
        """Lose all packets between the instance and its database, without a word."""
        system = self.drill.own.system
        fault = half_open(system, database_link(system, system.api[0]))
        return [FaultStep(faults=[fault], while_it_holds=self.look, once_healed=self.expect_back)]

    async def look(self) -> None:
        """Ask for more at once than a pool has connections, and once for all else."""
        cells, client = self.drill.cells, self.outage.owner.client
        if client.has("live"):
            async with cells.of(when="database hangs", what="live", rule="outage.live"):
                expect_status(await client.call("live"), 200)
                self.looked += 1
        many = [self._ask_for("createJob") for _ in range(AT_ONCE)]
        await asyncio.gather(*many, *map(self._ask_for, self.outage.requests()))

    async def _ask_for(self, name: str) -> None:
        async with self.drill.cells.of(when="database hangs", what=name):
            await self.outage.expect_unavailable(name, self.outage.requests()[name]())
            self.looked += 1

    async def expect_back(self) -> None:
        """Expect all of it to work again, without a restart."""
        async with self.drill.cells.of(when="database answers again", what="requests"):
            await self.outage.expect_back()

    async def end(self, _: WorkerDrill) -> None:
        """Request one more export, start a worker, and wait until all have ended."""
        drill = self.drill
        async with drill.cells.of(when="database answers again", what="a new export"):
            await drill.backlog.request_one(self.outage.owner, self.outage.job_id)
        await drill.own.system.start("worker")
        drill.seen = await drill.view.wait_until_ended(drill.times, lambda _seen, _now: False)


def hang_drill(hang: Hang) -> Drill[WorkerDrill]:
    """Give the drill of one hang."""
    return Drill(
        needs=NEEDS,
        budget_s=BUDGET_S,
        prepare=hang.expect_served,
        faults=hang.faults,
        drain=hang.end,
        checkers=(end_violations,),
        seen={"answers while the database hung": lambda _: hang.looked},
    )


NEEDS = frozenset({Capability.TENANTS, Capability.SPAWN, Capability.DATABASE_CONTROL})
BUDGET_S = 120


@check(
    "chaos.database-hangs",
    "A database that hangs costs nothing but time",
    checklist="Verify that requests are served again when a database that hung answers",
    observes=3,
    needs=NEEDS,
    profile="full",
    deadline_s=BUDGET_S,
)
async def check_database_hangs(
    fresh_system: FreshSystem,
    target: Target,
    rng: random.Random,
    history: HistoryWriter,
    observe: Observations,
    cells: Cells,
) -> None:
    """Let the database of an API instance hang while more is asked than it has connections.

    Its packets are lost without a word: nothing is refused, nothing answered. The API lives, and
    every other request gets 503 with Retry-After in time. When packets arrive again, all is served
    within the time that an instance has to get ready, and nothing is restarted for it.
    """
    async with worker_drill(
        fresh_system, target, rng, history, observe, cells, proxied=True
    ) as drill:
        await run_drill(hang_drill(Hang(drill=drill, outage=await Outage.of(drill))), drill)
