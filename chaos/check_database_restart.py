"""The database server crashes while workers have exports, and one of them is told to stop."""

import asyncio
import random
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from chaos.drills.drill import Drill, FaultStep, run_drill
from chaos.drills.outage import Outage
from chaos.drills.slow_work import table_to_lock
from chaos.drills.worker_drill import WorkerDrill, end_violations, worker_drill
from chaos.faults.crash_database import crash_database
from chaos.faults.harmed_database import HarmedDatabase
from harness.check import check
from harness.client import together
from harness.errors import CheckFailed, Inconclusive
from harness.expect import expect, expect_status
from harness.history import HistoryWriter
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.system import Instance
from harness.target import Capability, Target
from harness.waiting import becomes_true

GRACE_S = 2.0
STUCK_TIMEOUT_S = 2.0
"""The timings of this drill's system, where the target file fills them in."""

LATE_S = 1.0
"""What a busy machine may take to notice that a process has ended."""

HOLDS_WITHIN_S = 10.0
"""How long workers that have just started may take to hold exports."""

ORGANIZATIONS = 3
WORKERS = 2

_POLL_S = 0.05


@dataclass(kw_only=True)
class Crash:
    """One crash, what is looked at in it, and who holds exports then."""

    drill: WorkerDrill
    outage: Outage
    workers: Sequence[Instance] = ()
    held: int = 0
    """Exports in progress when the server crashed."""
    looked: int = 0
    """Answers that were seen in the outage."""
    _lock: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def hold_exports(self, _: WorkerDrill) -> None:
        """Start workers that cannot finish what they have, where that is possible."""
        try:
            await self.outage.expect_back()
        except CheckFailed as failure:
            why = f"so many requests at once are not served without an outage: {failure}"
            raise Inconclusive(why) from failure
        await self.drill.backlog.grow(ORGANIZATIONS)
        try:
            table = await table_to_lock(self.drill)
        except Inconclusive:
            table = ""
        if table:
            # Not as a fault: it ends with the server, which is what is harmed here.
            connection = await self._lock.enter_async_context(
                self.drill.own.control_database.connect()
            )
            await connection.execute("BEGIN")
            await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
        start = self.drill.own.system.start
        self.workers = await together(start("worker") for _ in range(WORKERS))
        await becomes_true(self._is_at_work, HOLDS_WITHIN_S, poll_s=_POLL_S)

    async def _is_at_work(self) -> bool:
        self.held = len(await self.drill.view.in_progress())
        return bool(self.held)

    def faults(self, _: WorkerDrill) -> Sequence[FaultStep]:
        """Crash the server; look at the API, and stop a worker, while it is gone."""
        database = HarmedDatabase.of(self.drill.own.system)
        return [
            FaultStep(
                faults=[crash_database(database, "immediate")],
                while_it_holds=self.look,
                once_healed=self.expect_back,
            )
        ]

    async def look(self) -> None:
        """Ask the API while the database is gone, and stop one of the workers meanwhile."""
        await asyncio.gather(self._ask(), self._stop(self.workers[-1]))

    async def _ask(self) -> None:
        cells, client = self.drill.cells, self.outage.owner.client
        if client.has("live"):
            async with cells.of(when="database gone", what="live", rule="outage.live"):
                expect_status(await client.call("live"), 200)
                self.looked += 1
        if client.has("ready"):
            async with cells.of(when="database gone", what="ready", rule="outage.unavailable"):
                expect_status(await client.call("ready"), 503)
                self.looked += 1
        await asyncio.gather(*map(self._ask_for, self.outage.requests()))

    async def _ask_for(self, name: str) -> None:
        async with self.drill.cells.of(when="database gone", what=name):
            await self.outage.expect_unavailable(name, self.outage.requests()[name]())
            self.looked += 1

    async def _stop(self, worker: Instance) -> None:
        async with self.drill.cells.of(when="database gone", what="SIGTERM of a worker"):
            code = await self.drill.own.system.stop(worker, self.drill.grace_s + LATE_S)
            expect(
                code != -signal.SIGKILL,
                expected=f"{worker.name} to end by itself within {self.drill.grace_s:g} s of "
                "SIGTERM, though there is no database to give exports back to",
                got=f"it still ran {LATE_S:g} s after that, and was killed",
                rule="drain.in-time",
            )

    async def expect_back(self) -> None:
        """Expect all of it to work again, without a restart."""
        own = self.drill.own
        for each in (own.database, own.control_database):
            await each.close()  # their sessions ended with the server
        async with self.drill.cells.of(when="database back", what="requests"):
            await self.outage.expect_back()

    async def end(self, _: WorkerDrill) -> None:
        """Request one more export, and wait until all have ended."""
        drill = self.drill
        async with drill.cells.of(when="database back", what="a new export"):
            await drill.backlog.request_one(self.outage.owner, self.outage.job_id)
        drill.looks.harmed({"job": each} for each in drill.backlog.owners)
        drill.seen = await drill.view.wait_until_ended(drill.times, lambda _seen, _now: False)

    async def close(self) -> None:
        """End what is left of the lock."""
        await self._lock.aclose()


def restart_drill(crash: Crash) -> Drill[WorkerDrill]:
    """Give the drill of one crash."""
    return Drill(
        needs=NEEDS,
        budget_s=BUDGET_S,
        prepare=crash.hold_exports,
        faults=crash.faults,
        drain=crash.end,
        checkers=(end_violations,),
        seen={
            "exports in progress when the server crashed": lambda _: crash.held,
            "answers while the database was gone": lambda _: crash.looked,
        },
    )


NEEDS = frozenset({Capability.TENANTS, Capability.SPAWN, Capability.DATABASE_CONTROL})
BUDGET_S = 120


@check(
    "chaos.database-restart",
    "A crash of the database costs nothing but time",
    checklist="Verify that the backend survives a restart or failover of its database",
    observes=3,
    needs=NEEDS,
    profile="full",
    deadline_s=BUDGET_S,
)
async def check_database_restart(
    fresh_system: FreshSystem,
    target: Target,
    rng: random.Random,
    history: HistoryWriter,
    observe: Observations,
    cells: Cells,
) -> None:
    """Crash the database server while workers hold exports, and start it again.

    While it is gone the API lives and is not ready, and every other request gets 503 with
    Retry-After; a worker that is told to stop ends within its grace. When it is back, all is
    served again within the time that an instance has to get ready, nothing is restarted for it,
    and every export that was accepted is done once.
    """
    values = {"drain_grace_s": f"{GRACE_S:g}", "stuck_timeout_s": f"{STUCK_TIMEOUT_S:g}"}
    async with worker_drill(
        fresh_system, target, rng, history, observe, cells, values=values, own_server=True
    ) as drill:
        crash = Crash(drill=drill, outage=await Outage.of(drill))
        try:
            await run_drill(restart_drill(crash), drill)
        finally:
            await crash.close()
