"""Dead workers whose exports are behind many living ones, and beside one that is locked."""

import asyncio
import math
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus

from chaos.drills.held_work import can_hold_work, held_by, wait_until_held, work_held
from chaos.drills.recovering.living_exports import LivingExports
from chaos.drills.worker_drill import END, WorkerDrill
from chaos.exports.database_view import DatabaseView
from chaos.faults.harmed_database import HarmedDatabase
from chaos.faults.hold_session import hold_row
from chaos.faults.kill_instances import kill_instances
from chaos.workers.parked_workers import ParkedWorker
from harness.checkers import Violation
from harness.client import Answer, NoAnswer
from harness.errors import Absent, Inconclusive
from harness.expect import expect
from harness.system import Instance
from harness.waiting import becomes_true

WAITS_WITHIN_S = 2.0
"""How long a request may take until it waits for a row that is locked."""

HELD_WITHIN_S = 1.0
"""How long a worker may take to claim what it has just taken back."""

MOST_KILLED = 2
"""How many workers are killed with an export in the worst case; it must be done after that."""

UNSEEN = (
    "it takes a database that the harness may change, and that shows which worker holds an export: "
    "[database] instrument = true, and claimed_by and attempt in [claim.columns]"
)

LEAST_IN_A_SWEEP = 10
"""How many of those that fall silent together a sweep must take back, on average."""

SLOW_POLL_S = 0.1
_POLL_S = 0.01
_WAIT_FOR_A_ROW = """
SELECT count(*) AS n FROM pg_stat_activity
WHERE datname = current_database() AND wait_event IN ('transactionid', 'tuple')
"""


@dataclass(kw_only=True)
class FairRecovery:
    """One dead worker after the other, of an organization at its cap."""

    drill: WorkerDrill
    living: LivingExports
    held: AsyncExitStack
    """Keeps the work of all workers from ending while it is open."""
    cap: int
    taken_back: int = 0
    killed_again: int = 0
    """How many exports a second worker held that it had taken back from the first."""
    canceled: int = 0
    """How many exports ended while recovery could not lock them."""
    can_cancel: bool = True
    """Whether clients of this backend can cancel at all."""

    @classmethod
    @asynccontextmanager
    async def begin(cls, drill: WorkerDrill, living: int) -> AsyncIterator["FairRecovery"]:
        """Hold so many living exports, and request twice as many of one organization as its cap.

        `Inconclusive` where the harness cannot hold exports, or the work of workers.
        """
        if not isinstance(drill.view, DatabaseView):
            raise Inconclusive(UNSEEN)
        older = await LivingExports.claim(drill, living)
        cap = drill.target.limits.per_org_in_progress
        await drill.backlog.crowd(2 * cap)

        def organizations() -> set[str]:
            return {each.id for each in (*drill.backlog.owners.values(), older.its_owner)}

        drill.view = replace(
            drill.view, organizations=organizations, ignored_worker=LivingExports.holder
        )
        async with older.beating(), AsyncExitStack() as held:
            yield cls(drill=drill, living=older, held=held, cap=cap)

    async def kill_at_work(self) -> None:
        """Kill the only worker while it holds exports, and find them."""
        if await can_hold_work(self.drill):
            await self.held.enter_async_context(work_held(self.drill))
            worker = await self.drill.own.system.start("worker")
            await wait_until_held(self.drill, worker)
            self.drill.victims = [ParkedWorker(worker=worker)]
        else:
            await self.drill.freeze_busy(1)
            (worker,) = (each.worker for each in self.drill.victims)
        async with self._killed(worker):
            await self.drill.find_orphans("SIGKILL")
        await self.living.fall_silent()  # only now: nothing lives that would take it back
        if not self.drill.orphans:
            raise Inconclusive(f"{worker.name} held exports, and none when it was dead")
        if (
            len(self.drill.orphans) < self.cap
        ):  # the next one would claim another, and could do nothing else
            await self.held.aclose()

    async def recover(self) -> None:
        """Start a worker that meets a locked export, and has to take back all others in time.

        If it does, it is killed while it works on them, and another one follows.
        """
        async with self._locked() as canceling:
            worker = await self._start()
            in_time = await self._taken_back()
            if in_time and self.drill.target.limits.max_attempts > MOST_KILLED:
                await self._kill_with_what_it_took_back(worker)
        await self._note_canceled(canceling)
        await self.held.aclose()
        if not self.drill.own.system.is_alive(worker):
            await self._start(after=worker)

    async def end(self) -> Sequence[Violation]:
        """Wait until all have ended, and judge it."""
        await self.drill.wait_until_ended()
        # Workers were killed while they might claim: any of these may have needed another attempt.
        orphans = {each.export_id for each in self.drill.orphans}
        others = self.drill.backlog.owners.keys() - orphans
        self.drill.looks.harmed({"job": each} for each in others)
        await self.drill.look(self.drill.final, downloads=True)
        return self.drill.looks.judge(END, ended=True)

    async def let_others_die(self) -> None:
        """Let all living exports fall silent at once; the worker that is there takes them back.

        They are older than what it has taken back before, and so many that one in each sweep
        would not do.
        """
        times, living = self.drill.times, self.living
        await living.all_fall_silent()
        sweeps = math.ceil(len(living) / LEAST_IN_A_SWEEP)
        within_s = sweeps * times.sweep_interval_s + times.slack_s
        left: set[str] = set()

        async def is_taken_back() -> bool:
            left.clear()
            left.update(await living.held())
            return not left

        await becomes_true(is_taken_back, within_s, poll_s=SLOW_POLL_S)
        expect(
            not left,
            expected=f"{len(living)} exports whose workers died at once to be taken back within "
            f"{within_s:.1f} s of their stuck timeout: {sweeps} sweeps, one every "
            f"{times.sweep_interval_s:g} s, and {times.slack_s:g} s",
            got=f"{len(left)} are still in progress without a sign of life",
            detail="They are older than those that the same worker has taken back before.",
            rule="recovery.in-time",
        )
        self.taken_back += len(living)

    def unseen(self) -> Iterator[str]:
        """Say what was not seen, though it should have been at least once."""
        yield from self.living.taken_away()
        if not self.killed_again:
            yield "never seen: a second worker with exports that it had taken back from the first"
        if self.can_cancel and not self.canceled:
            yield "never seen: an export that was canceled while recovery could not lock it"

    def _killed(self, worker: Instance) -> AbstractAsyncContextManager[object]:
        system, outside = self.drill.own.system, self.drill.outside
        return self.drill.injected(
            kill_instances(system, [worker], replacements=0, outside=outside)
        )

    async def _start(self, *, after: Instance | None = None) -> Instance:
        """Start a worker, `after` the death of another one that may have left exports."""
        worker = await self.drill.own.system.start("worker")
        if after is not None:
            # Only now: what it had sent when it died has been done by the database.
            self.drill.victims = [ParkedWorker(worker=after)]
            before = list(self.drill.orphans)
            await self.drill.find_orphans("SIGKILL")
            self.killed_again = len(self.drill.orphans)
            self.drill.orphans = [*before, *self.drill.orphans]
        await self.drill.begin_recovery()
        self.drill.detail = (
            f"{worker.name} ran from {self.drill.recovery.watched_from:%H:%M:%S.%f} on; "
            f"{len(self.living)} older exports were in progress with living heartbeats, and "
            "another session had locked the row of a silent one"
        )
        return worker

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[asyncio.Task[Answer]]:
        """Lock the row of the silent export; a request to cancel it waits for that, too."""
        table, client = self.living.table, self.living.its_owner.client
        database = HarmedDatabase.of(self.drill.own.system)
        path = {"export_id": self.living.silent}
        async with self.drill.injected(
            hold_row(database, table.claim.table, table.id, self.living.silent)
        ):
            async with self.drill.cells.of(what="cancel of an export whose row is locked"):
                canceling = asyncio.ensure_future(client.call("cancelExport", path=path))
                await becomes_true(
                    lambda: self._waits_for_row(canceling), WAITS_WITHIN_S, poll_s=_POLL_S
                )
            yield canceling

    async def _waits_for_row(self, canceling: asyncio.Task[Answer]) -> bool:
        waiting = await self.drill.own.control_database.fetch_one(_WAIT_FOR_A_ROW)
        return bool(waiting["n"]) or canceling.done()

    async def _taken_back(self) -> bool:
        """Wait until all orphans are taken back, or one is overdue; say whether all were."""
        drill, recovery = self.drill, self.drill.recovery
        last = max(drill.times.latest(each, recovery.watched_from) for each in drill.orphans)
        while True:
            now, observed = await drill.view.now(), await drill.view.observed()
            delays = recovery.delays(observed)
            if not delays:
                self.taken_back += len(drill.orphans)
            if not delays or now > last:
                return not delays
            await asyncio.sleep(_POLL_S)

    async def _kill_with_what_it_took_back(self, worker: Instance) -> None:
        async def holds_some() -> bool:
            return bool(await held_by(self.drill, worker))

        await becomes_true(holds_some, HELD_WITHIN_S, poll_s=_POLL_S)
        async with self._killed(worker):
            pass

    async def _note_canceled(self, canceling: asyncio.Task[Answer]) -> None:
        """Note whether the silent export was canceled, as far as its owner was told."""
        try:
            answer = await canceling
        except Absent:
            self.can_cancel = False
        except NoAnswer:
            return
        else:
            self.canceled += answer.status < HTTPStatus.BAD_REQUEST
