"""A worker wakes up after it lost its exports to another one, and goes on with them.

Two workers are frozen until after their stuck timeout, both about to commit. The first wakes up
while another worker is busy with its exports, the second when all of them are finished. Where a
target has no failpoints, they are frozen somewhere at work, and wake up when all is finished.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from chaos.drills.drill import Drill, FaultStep, run_drill
from chaos.drills.stale_workers import StaleWakeUp, context_switches, wait_until_running
from chaos.drills.worker_drill import END, WorkerDrill, end_violations, worker_drill
from chaos.exports.final_state import Snapshot, differences, digests
from chaos.faults.pause_instance import pause_instance
from chaos.workers.parked_workers import ParkedWorker, last_claims, start_parked
from harness.check import check
from harness.checkers import Orphan, expect_no_violations
from harness.errors import Inconclusive
from harness.expect import expect
from harness.history import HistoryWriter
from harness.history.entries import Busy
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target
from harness.vocabulary.exports import PREPARING, TERMINAL_STATES
from harness.waiting import wait_until

BUSY_S = 0.7
"""How long the successor works on each export: the first stale worker wakes up meanwhile."""

WORK_S = 10.0
"""How long the successor may take until it holds something after the stuck timeout."""

_POLL_S = 0.02


async def hold_exports(drill: WorkerDrill) -> None:
    """Bring two workers to the point where they only have to commit.

    They sleep there for as long as the stuck timeout: still when they are frozen, no longer when
    they wake up, because no worker takes over from them any sooner.
    """
    if drill.failpoints is None:
        await drill.freeze_busy(2, at_once=True)
    else:
        wanted = [("before_commit", drill.times.stuck_timeout_s)] * 2
        await drill.park(wanted, organizations=1, until_full=False)


def wake_one_after_the_other(drill: WorkerDrill) -> Sequence[FaultStep]:
    """Freeze both workers; the one that is frozen last wakes up first."""
    wakes = WakeUps(drill=drill, first=drill.victims[0], second=drill.victims[1])
    system = drill.own.system
    return [
        FaultStep(
            faults=[pause_instance(system, wakes.second.worker, drill.outside)],
            while_it_holds=wakes.before_second,
            once_healed=wakes.after_second,
        ),
        FaultStep(
            faults=[pause_instance(system, wakes.first.worker, drill.outside)],
            while_it_holds=wakes.before_first,
            once_healed=wakes.after_first,
        ),
    ]


@dataclass(kw_only=True)
class WakeUps:
    """What is done and seen around the moments in which the two workers wake up."""

    drill: WorkerDrill
    first: ParkedWorker
    second: ParkedWorker
    taken: Mapping[str, datetime] = field(default_factory=dict)
    """When the successor claimed exports of the first; empty where it cannot be slowed down."""
    before: Snapshot = field(default_factory=dict)
    switches: int = 0
    successor: ParkedWorker = field(init=False)
    still_asleep_at: datetime = field(init=False)

    async def before_first(self) -> None:
        """Let a healthy worker take over all that the two have lost, or begin with it."""
        drill = self.drill
        await drill.find_orphans("SIGSTOP")
        if drill.view.shows_workers:
            self._expect_held_by(self.first)
            self._expect_held_by(self.second)
        self.successor = await start_successor(drill)
        await drill.begin_recovery()
        if self.successor.failpoint:
            self.taken = await taken_over(drill, self._held_by(self.first))
        else:
            await wait_until_all_done(drill)
            self.before = await drill.view.snapshot()
        self.switches = context_switches(self.first)
        self.still_asleep_at = await drill.view.now()

    async def after_first(self) -> None:
        """Fail when the first finished exports of its successor."""
        drill = self.drill
        await wait_until_running(self.first, self.switches)
        if not self.taken:
            return
        wake_up = StaleWakeUp(
            stale=self.first,
            successor=self.successor,
            taken=self.taken,
            still_asleep_at=self.still_asleep_at,
            woken_at=await drill.view.now(),
        )
        for fields in wake_up.busy():
            drill.history.append(Busy, **fields)
        await wait_until_all_done(drill)
        await drill.look(drill.final)
        what = "exports that another worker had claimed"
        await drill.judge(drill.looks.judge(what), what=what)
        met = wake_up.met(drill.final)
        drill.observe(len(met), what="exports whose old owner woke up beside the new one")
        self.before = await drill.view.snapshot()

    async def before_second(self) -> None:
        """Note how far the second has run."""
        self.switches = context_switches(self.second)

    async def after_second(self) -> None:
        """Fail when the workers changed anything after all was finished."""
        await wait_until_running(self.second, self.switches)
        # For what they do at once, and for the heartbeat by which they learn of their loss.
        await asyncio.sleep(self.drill.view.settle_s)
        after = await self.drill.view.snapshot()
        changes = differences(self.before, after)
        what = "exports and events after all was finished"
        self.drill.looks.records(digests(self.before), digests(after))
        self.drill.looks.judge(what)
        names = f"{self.first.worker.name} and {self.second.worker.name}"
        if changes:  # what is wrong with these exports in the end follows from it
            self.drill.judged.update(orphan.export_id for orphan in self.drill.orphans)
        async with self.drill.cells.of(what=what):
            expect(
                not changes,
                expected=f"no change after {names}, frozen {self.second.where}, woke up and "
                "another worker had completed all they held: their claim tokens are stale",
                got=changes[0] if changes else "",
                detail="\n".join(changes[1:8]),
                rule="stale-worker.changes-nothing",
            )

    def _held_by(self, each: ParkedWorker) -> Sequence[Orphan]:
        return [orphan for orphan in self.drill.orphans if orphan.worker == each.worker.name]

    def _expect_held_by(self, each: ParkedWorker) -> None:
        if not self._held_by(each):
            raise Inconclusive(
                f"{each.worker.name} had committed all its exports before it could be frozen: it "
                f"sleeps {each.seconds:g} s {each.where}, which was not long enough"
            )


async def start_successor(drill: WorkerDrill) -> ParkedWorker:
    """Start a healthy worker, slowed down where there are failpoints."""
    if drill.failpoints is None:
        return ParkedWorker(worker=await drill.own.system.start("worker"))
    return await start_parked(drill.own.system, drill.failpoints, "while_working", BUSY_S)


async def taken_over(drill: WorkerDrill, lost: Sequence[Orphan]) -> Mapping[str, datetime]:
    """Wait until all exports are lost and another worker holds some; give when it claimed each.

    One that is not yet taken back could rightly be completed by its old owner. Fails when they are
    not taken back in time.
    """
    stale = lost[0].worker
    attempts = {orphan.export_id: orphan.attempt for orphan in lost}

    async def claims_of_successor() -> Mapping[str, datetime]:
        observed, now = await drill.view.observed(), await drill.view.now()
        busy = {export.id for export in observed.exports if export.state == PREPARING}
        steps = observed.watched()
        taken = {
            step.export_id: step.at
            for step in steps
            if step.is_claim
            and step.export_id in busy
            and step.new_attempt is not None
            and step.new_attempt > attempts.get(step.export_id, step.new_attempt)
        }
        if taken and not last_claims(steps)[stale] & busy:
            return taken
        if drill.recovery.is_overdue(observed, now):
            # Only the delays: what else is missing at the end follows from them.
            expect_no_violations(replace(drill.recovery, orphans=lost).delays(observed))
        return {}

    return await wait_until(
        claims_of_successor,
        drill.times.stuck_timeout_s + drill.target.pace.wait_s(WORK_S),
        f"another worker to hold one of {len(lost)} exports of {stale}, which were all taken back "
        "in time",
        poll_s=_POLL_S,
        error=Inconclusive,
    )


async def wait_until_all_done(drill: WorkerDrill) -> None:
    """Wait until no export is live: what changes by itself says nothing of a stale worker."""
    await drill.wait_until_ended()
    live = [each for each in drill.final.exports if each.state not in TERMINAL_STATES]
    if live:
        await drill.look(drill.final)
        await drill.judge(drill.looks.judge(END, ended=True, whole=True), what=END)
        raise Inconclusive(f"{len(live)} exports were still live at the end of the wait")


async def look_again(drill: WorkerDrill) -> None:
    """Read the final state: all had ended before the second worker woke up."""
    drill.seen = await drill.view.observed()


def late_exports(drill: WorkerDrill) -> int:
    """Count the exports of workers that woke up when all was finished: both, or the second."""
    if drill.failpoints is None:
        return len(drill.held)
    return sum(orphan.worker == drill.victims[1].worker.name for orphan in drill.orphans)


PAUSE = Drill[WorkerDrill](
    needs=frozenset({Capability.TENANTS, Capability.SPAWN, Capability.PAUSE}),
    budget_s=90,
    prepare=hold_exports,
    faults=wake_one_after_the_other,
    drain=look_again,
    checkers=(end_violations,),
    seen={"exports whose old owner woke up too late": late_exports},
)


@check(
    "chaos.worker-pause-zombie",
    "A stale worker that wakes up changes nothing",
    checklist="Verify that a stale worker cannot complete, fail or extend what it has lost",
    observes=2,
    needs=PAUSE.needs,
    deadline_s=PAUSE.budget_s,
)
async def check_worker_pause_zombie(
    fresh_system: FreshSystem,
    target: Target,
    rng: random.Random,
    history: HistoryWriter,
    observe: Observations,
    cells: Cells,
) -> None:
    """Freeze two workers (SIGSTOP) until others have taken over their exports, then wake them.

    One wakes up while its successor works on the exports: it must not finish them. The other wakes
    up when all are finished: no column of exports and ledger may change. Their claim tokens are
    stale; only the owner of the current token may complete, fail or extend an export.
    """
    async with worker_drill(fresh_system, target, rng, history, observe, cells) as drill:
        await run_drill(PAUSE, drill)
