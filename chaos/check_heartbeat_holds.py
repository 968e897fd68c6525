"""An export stays with its worker for as long as heartbeats are seen, and no longer."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chaos.drills.drill import Drill, FaultStep, run_drill
from chaos.drills.leases.draining_work import DrainingWork
from chaos.drills.leases.seen_heartbeats import SeenHeartbeats, Silence
from chaos.drills.slow_work import SlowWork, refuse_unseen_claims, slow_work
from chaos.drills.worker_drill import WorkerDrill, end_violations, worker_drill
from chaos.exports.view import InProgress
from chaos.faults.pause_instance import pause_instance
from chaos.workers.parked_workers import ParkedWorker, refuse_unknown_workers
from harness.check import check
from harness.checkers import Violation
from harness.errors import Inconclusive
from harness.expect import expect
from harness.history import HistoryWriter
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target
from harness.waiting import wait_until

STUCK_TIMEOUT_S = 1.0
"""Where the target file fills in `{stuck_timeout_s}`: the contract goes down to it."""

GRACE_S = 6.0
"""Many stuck timeouts: a worker that works on for a part of it must be heard of meanwhile."""

HEARTBEAT_S = 0.2
TIMEOUTS = 10
"""How many stuck timeouts the work lasts."""

LONGEST_WATCH_S = 30.0
LOCKED_WATCH_S = 4.0
"""Where work waits for a lock: most clients give up on a statement after five seconds or more."""

FEWEST_TIMEOUTS = 3
WORK_S = 300.0
"""How long the work would take: it never ends."""

CLAIMED_WITHIN_S = 10.0
UNWATCHED = 1 / 3
"""The part of the stuck timeout for which we may not look: longer, and the machine is too busy."""

NEEDS = frozenset({Capability.TENANTS, Capability.SPAWN, Capability.PAUSE})
BUDGET_S = 120.0


@dataclass(kw_only=True)
class LongWork:
    """A worker that works on exports for many stuck timeouts, beside one that sweeps."""

    drill: WorkerDrill
    slow: SlowWork
    draining: DrainingWork
    outlived: int = 0
    """Exports that stayed with their worker all the time."""
    beats: SeenHeartbeats = field(init=False)
    gave_up: bool = False
    """Whether work was seen that no longer waited for the lock."""

    @property
    def watch_s(self) -> float:
        """How long the work is watched."""
        stuck_s = self.drill.times.stuck_timeout_s
        longest_s = LONGEST_WATCH_S if self.slow.by_failpoint else LOCKED_WATCH_S
        return max(min(TIMEOUTS * stuck_s, longest_s), FEWEST_TIMEOUTS * stuck_s)

    async def watch(self) -> None:
        """Let a worker hold exports for many stuck timeouts, and judge what others see of it."""
        drill = self.drill
        if self.slow.by_failpoint:  # else what is requested after it may have to wait for the lock
            await self.draining.begin(WORK_S)
        await drill.backlog.grow(1)
        await self.slow.begin()
        holder = await self.slow.start(WORK_S)
        drill.victims = [ParkedWorker(worker=holder)]

        async def held() -> Mapping[str, InProgress]:
            all_found = await drill.view.in_progress()
            found = [each for each in all_found if each.worker != self.draining.name]
            refuse_unknown_workers((each.worker for each in found), drill.victims)
            return {each.export_id: each for each in found}

        within_s = drill.target.pace.wait_s(CLAIMED_WITHIN_S)
        what = f"{holder.name} to hold an export"
        watched = await wait_until(held, within_s, what, error=Inconclusive)
        until = await drill.view.now() + timedelta(seconds=self.watch_s)
        self.beats = SeenHeartbeats(watched=watched)

        async def is_over() -> bool:
            found, now = await drill.view.in_progress(), await drill.view.now()
            self.beats.look(found, now)
            self.gave_up |= not await self.slow.is_going_on()
            return now > until or not self.watched_still

        worker = drill.target.worker
        assert worker is not None
        poll_s = min(worker.heartbeat_interval_s, HEARTBEAT_S) / 2
        what = f"{self.watch_s:g} s by the database's clock"
        within_s = self.watch_s + CLAIMED_WITHIN_S
        starting = asyncio.ensure_future(drill.own.system.start("worker"))
        try:
            await wait_until(is_over, within_s, what, poll_s=poll_s, error=Inconclusive)
        finally:
            await starting
            await self.draining.end()
        await self._judge(holder.name)

    @property
    def watched_still(self) -> set[str]:
        """The exports that are with their worker."""
        return set(self.beats.watched) - self.beats.left

    async def _judge(self, holder: str) -> None:
        """Find silences that others saw, and exports that were taken from a living worker."""
        drill, stuck_s = self.drill, self.drill.times.stuck_timeout_s
        drill.seen = await drill.view.observed()
        self.outlived = len(self.watched_still)
        silences = self.beats.silences(stuck_s)
        seen = self._not_ours(silences)
        if self.gave_up and (silences or self.beats.left):
            raise Inconclusive(
                f"work that waited for a lock of {self.slow.table} for {self.watch_s:g} s gave up: "
                "nobody keeps such an export; name the failpoint while_working in [failpoints]"
            )
        async with drill.cells.of(what="heartbeats during long work"):
            self._expect_none(seen, f"{holder}, which works,")
        if self.draining.worker is not None:
            async with drill.cells.of(what="heartbeats during a drain"):
                silent = self._not_ours(self.draining.silences())
                self._expect_none(silent, f"{self.draining.name}, which works on after SIGTERM,")
        await drill.look(drill.final)
        what = "exports during long work"
        await drill.judge(drill.looks.judge(what), what=what)
        if self.beats.left and not drill.cells.findings:
            raise Inconclusive(
                f"{len(self.beats.left)} of {len(self.beats.watched)} exports had left {holder} "
                f"before {self.watch_s:g} s were over: their work had ended"
            )

    def _not_ours(self, silences: Sequence[Silence]) -> Sequence[Silence]:
        """Give those that were really seen. `Inconclusive` where we did not look in any of them."""
        longest_s = self.drill.times.stuck_timeout_s * UNWATCHED
        seen = [each for each in silences if each.unwatched.total_seconds() < longest_s]
        if silences and not seen:
            raise Inconclusive(
                f"this machine was too busy to see heartbeats: {silences[0].describe()}, and for "
                f"{silences[0].unwatched.total_seconds():.2f} s of it nothing was looked at"
            )
        return seen

    def _expect_none(self, seen: Sequence[Silence], who: str) -> None:
        """Fail for exports whose worker was silent for longer than the stuck timeout."""
        self.drill.judged.update(each.export_id for each in seen)
        expect(
            not seen,
            expected=f"heartbeats of {who} to be seen by others at least every "
            f"{self.drill.times.stuck_timeout_s:g} s (stuck timeout)",
            got=seen[0].describe() if seen else "",
            detail="\n".join(each.describe() for each in seen[1:8]),
            rule="heartbeat.seen",
        )

    def freeze(self, drill: WorkerDrill) -> Sequence[FaultStep]:
        """Freeze the worker when it has lived for long; nothing if it has lost its exports."""

        async def when() -> bool:
            if drill.cells.findings:
                return False
            # In the middle of a heartbeat it would keep the row from those who recover it.
            await self.slow.freeze([holder])
            return True

        holder = drill.victims[0].worker
        pause = pause_instance(drill.own.system, holder, drill.outside)
        return [FaultStep(when=when, faults=[pause], while_it_holds=self.wait_for_recovery)]

    async def wait_for_recovery(self) -> None:
        """Wait until all was taken back and done by the other worker, or is overdue."""
        drill = self.drill
        frozen_at = await drill.view.now()
        await drill.find_orphans("SIGSTOP after long work")
        if not drill.orphans:
            raise Inconclusive("its work had ended before the worker was frozen")
        drill.orphans = [
            replace(each, heartbeat_at=_earlier(each.heartbeat_at, frozen_at))
            for each in drill.orphans
        ]
        await drill.begin_recovery()
        await self.slow.end()
        await drill.wait_until_ended()

    async def judge_end(self, drill: WorkerDrill) -> Sequence[Violation]:
        """Judge when it was taken back, and how all exports ended."""
        return await end_violations(drill) if drill.orphans else ()


def _earlier(heartbeat_at: datetime, frozen_at: datetime) -> datetime:
    """A heartbeat that is dated later than the end of its worker's life is of that moment."""
    return min(heartbeat_at, frozen_at)


def heartbeat_holds(work: LongWork) -> Drill[WorkerDrill]:
    """Give the drill."""

    async def prepare(_: WorkerDrill) -> None:
        await work.watch()

    return Drill[WorkerDrill](
        needs=NEEDS,
        budget_s=BUDGET_S,
        prepare=prepare,
        faults=work.freeze,
        checkers=(work.judge_end,),
        seen={
            "exports that stayed with their worker for many stuck timeouts": lambda _: (
                work.outlived
            ),
            "heartbeats that others saw": lambda _: work.beats.seen,
            "exports whose worker fell silent after that": lambda drill: len(drill.orphans),
        },
    )


@check(
    "chaos.heartbeat-holds",
    "Heartbeats keep an export, however long it takes",
    checklist="Verify that a long export is never taken from a worker that lives",
    observes=3,
    needs=NEEDS,
    profile="full",
    deadline_s=BUDGET_S,
)
async def check_heartbeat_holds(
    fresh_system: FreshSystem,
    target: Target,
    rng: random.Random,
    history: HistoryWriter,
    observe: Observations,
    cells: Cells,
) -> None:
    """Let a worker work for ten stuck timeouts beside one that sweeps, then freeze it (SIGSTOP).

    While it lives its heartbeats are seen by others, so none that is written inside one long
    transaction, and nobody takes its exports. The same holds for one that works on after SIGTERM.
    When it falls silent its exports are taken back after the stuck timeout and within a sweep of
    the last heartbeat, however long it has lived before.
    """
    refuse_unseen_claims(target)
    values = {}
    if target.mentions("stuck_timeout_s"):
        values = {
            "stuck_timeout_s": f"{STUCK_TIMEOUT_S:g}",
            "heartbeat_interval_s": f"{HEARTBEAT_S:g}",
            "drain_grace_s": f"{GRACE_S:g}",
        }
    async with (
        worker_drill(fresh_system, target, rng, history, observe, cells, values=values) as drill,
        slow_work(drill) as slow,
    ):
        draining = DrainingWork(drill=drill, slow=slow)
        work = LongWork(drill=drill, slow=slow, draining=draining)
        await run_drill(heartbeat_holds(work), drill)
