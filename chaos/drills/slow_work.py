"""Work that does not end while a drill looks: workers sleep at a failpoint, or wait for a lock."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from chaos.drills.worker_drill import WorkerDrill, shows_claims
from chaos.exports.database_view import IN_FLIGHT_S
from chaos.faults.harmed_database import HarmedDatabase
from chaos.faults.hold_session import hold_table
from harness.errors import Inconclusive
from harness.system import Instance
from harness.target import Capability, Target
from harness.target.sql.export_table import ExportTable
from harness.waiting import wait_until

FAILPOINT = "while_working"

FROZEN_WITHIN_S = 2.0
_POLL_S = 0.03
_WAITING = """
SELECT count(*) AS n FROM pg_locks WHERE relation = %s::regclass AND NOT granted
"""
_STANDING_STILL = """
SELECT EXISTS (
    SELECT FROM pg_stat_activity AS session
    WHERE datname = current_database() AND backend_type = 'client backend'
      AND pid <> pg_backend_pid()
      -- On a busy machine what a frozen worker has sent may still be at work.
      AND (state LIKE 'idle in transaction%%'
           OR state = 'active' AND wait_event_type IS DISTINCT FROM 'Lock')
      AND NOT EXISTS (
          SELECT FROM pg_locks AS held
          WHERE held.pid = session.pid AND held.relation = %s::regclass
            AND held.mode = 'AccessExclusiveLock' AND held.granted
      )
) AS is_open
"""


@dataclass(kw_only=True)
class SlowWork:
    """How workers of one drill are kept from finishing what they claim."""

    drill: WorkerDrill
    by_failpoint: bool
    """Otherwise a table that their work reads is locked: requests may have to wait then, too."""
    table: str = ""
    _locking: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self, seconds: float) -> Instance:
        """Start a worker that takes so long for each export, or waits for the lock."""
        environment: Mapping[str, str] = {}
        if self.by_failpoint:
            assert self.drill.failpoints is not None
            environment = self.drill.failpoints.environment({FAILPOINT: f"sleep:{seconds:g}"})
        return await self.drill.own.system.start("worker", environment)

    async def begin(self) -> None:
        """Lock the table where there is no failpoint: all that is needed was requested before."""
        if not self.by_failpoint:
            fault = hold_table(HarmedDatabase.of(self.drill.own.system), self.table)
            await self._locking.enter_async_context(self.drill.injected(fault))

    async def freeze(self, workers: Sequence[Instance]) -> None:
        """SIGSTOP workers at a moment in which none has a transaction open: others would wait.

        `Inconclusive` when there is no such moment. One whose work waits for our lock is none.
        """
        system = self.drill.own.system

        async def are_frozen() -> bool:
            for each in workers:
                await system.pause(each)
            if not await self.blocks_others():
                return True
            for each in workers:
                await system.resume(each)
            return False

        names = " and ".join(each.name for each in workers)
        what = f"a moment in which {names} can be frozen without blocking other clients"
        await wait_until(are_frozen, FROZEN_WITHIN_S, what, poll_s=_POLL_S, error=Inconclusive)

    async def is_going_on(self) -> bool:
        """Whether work still waits for the lock: a worker may give up on a statement that hangs."""
        if self.by_failpoint:
            return True
        row = await self.drill.own.control_database.fetch_one(_WAITING, [self.table])
        return bool(row["n"])

    async def blocks_others(self) -> bool:
        """Whether a client stands still in a transaction; sessions that wait for us do not."""
        if self.by_failpoint:
            return await self.drill.view.blocks_others()
        await asyncio.sleep(IN_FLIGHT_S)
        row = await self.drill.own.control_database.fetch_one(_STANDING_STILL, [self.table])
        return bool(row["is_open"])

    async def end(self) -> None:
        """Let go what waits for the lock. Those that sleep at a failpoint sleep on."""
        await self._locking.aclose()


@asynccontextmanager
async def slow_work(drill: WorkerDrill) -> AsyncIterator[SlowWork]:
    """Find out how work can be made slow here; `Inconclusive` where there is no way."""
    if drill.failpoints is not None and FAILPOINT in drill.failpoints.names:
        slow = SlowWork(drill=drill, by_failpoint=True)
    else:
        slow = SlowWork(drill=drill, by_failpoint=False, table=await table_to_lock(drill))
    try:
        yield slow
    finally:
        await slow.end()


def refuse_unseen_claims(target: Target) -> None:
    """`Inconclusive` where the database does not show who holds an export, and since when."""
    if not shows_claims(target) or not _shows_heartbeats(target):
        raise Inconclusive(
            "this drill must see in the database which worker holds an export, and its heartbeat: "
            'it needs [database] source = "embedded" or "docker" with instrument = true, [ledger], '
            "and in [claim.columns] attempt, claimed_by and heartbeat_at (or [claim] lease_until)"
        )


def _shows_heartbeats(target: Target) -> bool:
    table = ExportTable.of(target)
    return table is not None and table.has("heartbeat_at")


async def table_to_lock(drill: WorkerDrill) -> str:
    """Give the table that work reads, if it is there and may be locked."""
    worker = drill.target.worker
    table = (worker and worker.work_table) or drill.target.tenant_tables.get("evidence", "")
    if table and Capability.DATABASE_CONTROL in drill.offered:
        row = await drill.own.control_database.fetch_one("SELECT to_regclass(%s) AS found", [table])
        if row["found"] is not None:
            return table
    raise Inconclusive(
        f"work cannot be kept from ending: there is no table {table!r} to lock; name the failpoint "
        "while_working in [failpoints], or write [worker] work_table, a table that work on an "
        "export reads, of a database that the harness starts"
    )
