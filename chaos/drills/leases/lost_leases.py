"""Workers that lose their exports while they are frozen, and learn of it when they go on.

Two are frozen with all places taken. Others take their exports over, and are held still with them:
whatever changes these exports then is the work of one that has lost them.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from chaos.drills.slow_work import SlowWork
from chaos.drills.stale_workers import context_switches, wait_until_running
from chaos.drills.worker_drill import WorkerDrill
from chaos.exports.final_state import Snapshot, differences, digests
from chaos.exports.view import InProgress
from chaos.faults.harmed_database import HarmedDatabase
from chaos.faults.hold_session import hold_table
from chaos.workers.parked_workers import ParkedWorker
from harness.checkers import ExportFact, Transition
from harness.checkers.recovery import DRAIN
from harness.client import together
from harness.errors import Inconclusive
from harness.expect import expect
from harness.history import EntryType
from harness.system import Instance
from harness.vocabulary.exports import PREPARING, QUEUED
from harness.waiting import becomes_true, wait_until

LOST_WORK_S = 60.0
"""How long the work of the frozen ones takes: if they go on with it, it takes up their places."""

SUCCESSORS_WORK_S = 4.0
"""How long that of their successors takes: they are looked at meanwhile."""

FULL_WITHIN_S = 20.0
CALM_S = 0.4
"""How long workers that have a free place may leave an export in the queue, usually."""

CANCELED_WITHIN_S = 5.0
TAKEN_OVER_WITHIN_S = 5.0
"""How long others may take to claim what was taken back."""

LOOKS_EVERY_S = 1.0
"""How often a worker with a free place looks for work, by the contract; or as is declared."""

LOCKED = 0.65
"""For which part of the grace the table is locked: heartbeats wait, and what is released, too."""

LATE_S = 1.0
NEVER = datetime.max.replace(tzinfo=UTC)
_POLL_S = 0.04


@dataclass(kw_only=True)
class LostLeases:
    """What the steps of the drill find out for those that follow."""

    drill: WorkerDrill
    slow: SlowWork
    victims: Sequence[Instance] = ()
    """The first goes on and works; the second, where work sleeps at a failpoint, is stopped."""
    successors: Sequence[Instance] = ()
    lost: Mapping[str, InProgress] = field(default_factory=dict)
    """The claims of successors on what the victims held, by the export's id."""
    unchanged: int = 0
    freed: int = 0
    held_still: int = 0
    """Exports of successors that were not released by one that had lost them and was stopped."""
    _before: Snapshot = field(default_factory=dict)
    _switches: int = 0
    _asleep_at: datetime | None = None
    _stopping: "asyncio.Future[int | None] | None" = None
    _locking: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def hold(self) -> None:
        """Let the victims fill all their places; one organization has more than its cap allows."""
        drill, limits = self.drill, self.drill.target.limits
        count = 2 if self.slow.by_failpoint else 1
        starting = asyncio.ensure_future(self._requested(limits.per_org_in_progress + 1))
        try:
            if self.slow.by_failpoint:
                starts = (self.slow.start(LOST_WORK_S) for _ in range(count))
                self.victims = await together(starts)
        finally:
            await starting
        if not self.slow.by_failpoint:
            await self.slow.begin()
            self.victims = [await self.slow.start(0)]
        drill.victims = [ParkedWorker(worker=each) for each in self.victims]
        await self._until_full()

    async def _requested(self, crowd: int) -> None:
        """Request all that is needed before work is made slow, and prepare what comes later."""
        backlog = self.drill.backlog
        await backlog.crowd(crowd)
        await backlog.grow(2 if self.slow.by_failpoint else 4)
        await backlog.prepare(2)

    async def _until_full(self) -> None:
        """Wait until nothing more is claimed, and cancel what would be claimed by others."""
        loop, seen, since = asyncio.get_running_loop(), -1, 0.0

        async def is_full() -> bool:
            nonlocal seen, since
            live = await self.drill.view.live()
            claimed = sum(each.state == PREPARING for each in live)
            if claimed != seen:
                seen, since = claimed, loop.time()
            return claimed > 0 and loop.time() - since > CALM_S

        within_s = self.drill.target.pace.wait_s(FULL_WITHIN_S)
        what = f"{len(self.victims)} workers to claim as much as they have room for"
        await wait_until(is_full, within_s, what, poll_s=_POLL_S, error=Inconclusive)
        await wait_until(
            self._nothing_to_be_had,
            CANCELED_WITHIN_S,
            "what waits and could be claimed to be canceled",
            poll_s=_POLL_S,
            error=Inconclusive,
        )
        if self.slow.by_failpoint:
            # Before the others fall silent: with free places all the time until they may claim.
            await self._start_successors()
        await self.slow.freeze(self.victims)
        kept = [each for each in await self.drill.view.live() if each.state == QUEUED]
        what = "exports that waited while silent ones were at their organization's cap"
        self.drill.observe(len(kept), what=what)

    async def _nothing_to_be_had(self) -> bool:
        """Cancel what other workers could claim; whether there was nothing."""
        found = await self._to_be_had()
        for export_id in found:
            owner = self.drill.backlog.owners[export_id]
            await owner.client.call("cancelExport", path={"export_id": export_id})
        return not found

    async def _to_be_had(self) -> list[str]:
        live = await self.drill.view.live()
        return to_be_had(live, self.drill.target.limits.per_org_in_progress)

    async def take_over(self) -> None:
        """Start others, wait until they hold what the victims held, and freeze them with it."""
        drill = self.drill
        held = {each.export_id: each for each in await drill.view.in_progress()}
        if not held:
            raise Inconclusive("the frozen workers held nothing: their work ended too soon")
        if not self.successors:
            # The lock stops all that reads the table, such as what a worker does when it starts.
            await self._until_silent(held.values())
            await self._start_successors()
        seen = ""

        async def taken() -> Mapping[str, InProgress]:
            nonlocal seen
            now = await drill.view.in_progress()
            seen = "; ".join(f"{each.export_id} is with {each.worker}" for each in now[:4])
            lost = {
                each.export_id: each
                for each in now
                if each.export_id in held and each.attempt > held[each.export_id].attempt
            }
            still = [each for each in now if each.worker in {one.name for one in self.victims}]
            return {} if still else lost

        times = drill.times
        await wait_until(
            taken,
            times.stuck_timeout_s + 2 * times.sweep_interval_s + TAKEN_OVER_WITHIN_S,
            f"another worker to hold what {self.victims[0].name} held when it was frozen",
            poll_s=_POLL_S,
            error=lambda waited: Inconclusive(f"{waited}; {seen}"),
        )
        await becomes_true(self._all_claimed, LOOKS_EVERY_S / 2, poll_s=_POLL_S)
        await self.slow.freeze(self.successors)
        self.lost = await taken()
        if not self.lost:
            raise Inconclusive("the successors had finished all exports before they were frozen")
        await self.slow.end()
        await drill.backlog.request()
        self._before = await self._of_successors()
        self._switches = context_switches(drill.victims[0])
        self._asleep_at = await drill.view.now()

    async def _start_successors(self) -> None:
        starts = (self.slow.start(SUCCESSORS_WORK_S) for _ in self.victims)
        self.successors = await together(starts)

    async def _until_silent(self, held: Collection[InProgress]) -> None:
        """Wait until the stuck timeout of all of these is over."""
        timeout = timedelta(seconds=self.drill.times.stuck_timeout_s)
        last = max((each.heartbeat_at for each in held if each.heartbeat_at), default=None)

        async def is_over() -> bool:
            return last is None or await self.drill.view.now() > last + timeout

        within_s = timeout.total_seconds() + self.drill.times.slack_s
        what = "the leases of the frozen workers to end"
        await wait_until(is_over, within_s, what, poll_s=_POLL_S, error=Inconclusive)

    async def _all_claimed(self) -> bool:
        return not await self._to_be_had()

    async def expect_left_alone(self) -> None:
        """When the first victim goes on: it changes nothing of theirs, and claims something else.

        Two heartbeats are waited for what it does to them; by these it learns of its loss.
        """
        drill, victim = self.drill, self.drill.victims[0]
        await wait_until_running(victim, self._switches)
        await asyncio.sleep(drill.view.settle_s)
        shown = await self._of_successors()
        # Later than what is shown: what was rightly taken back by then is in it.
        observed = drill.seen = await drill.view.observed()
        rightly = taken_back(self.lost, observed.watched(), drill.times.stuck_timeout_s)
        before, after = without(self._before, rightly), without(shown, rightly)
        changes = differences(before, after)
        what = "exports of the successor"
        drill.looks.records(digests(before), digests(after))
        drill.looks.judge(what)
        self.unchanged = len(self.lost.keys() - rightly)
        name = victim.worker.name
        drill.judged.update({*self.lost, *before, *after} if changes else ())
        async with drill.cells.of(what=what):
            expect(
                not changes,
                expected=f"no change of exports that {name} had lost when it went on: their new "
                "owner was frozen meanwhile, and its lease had not ended",
                got=changes[0] if changes else "",
                detail="\n".join(changes[1:8]),
                rule="stale-worker.changes-nothing",
            )
        async with drill.cells.of(what="places after the loss"):
            await self._expect_place_freed(name)

    async def _expect_place_freed(self, name: str) -> None:
        heartbeats_s = self.drill.view.settle_s
        worker = self.drill.target.worker
        looks_every_s = max(LOOKS_EVERY_S, worker.poll_interval_s if worker else 0)
        within_s = heartbeats_s + looks_every_s + self.drill.times.slack_s
        freed = await becomes_true(self._has_claimed, within_s, poll_s=_POLL_S)
        if not freed and not await self._to_be_had():
            raise Inconclusive("nothing waited that a worker with a free place could have claimed")
        if not freed and await self.slow.blocks_others():
            raise Inconclusive("a frozen worker held a transaction open, others may have waited")
        self.freed = int(freed)
        expect(
            freed,
            expected=f"{name} to free the places of all exports that it had lost within two "
            f"heartbeats ({heartbeats_s:g} s), and to claim others that wait",
            got=f"it claimed nothing within {heartbeats_s + within_s:g} s of going on",
            rule="lease.frees-places",
        )

    async def _has_claimed(self) -> bool:
        """Whether anything was claimed since: the successors are frozen."""
        assert self._asleep_at is not None
        observed = self.drill.seen = await self.drill.view.observed()
        return any(step.is_claim and step.at > self._asleep_at for step in observed.watched())

    async def stop_second(self) -> None:
        """Send SIGTERM to the second victim, which is still frozen.

        The exports are locked when it goes on: its heartbeats wait, and so does what it releases.
        """
        drill, system = self.drill, self.drill.own.system
        for each in self.successors:
            await system.resume(each)
        if not await becomes_true(self._are_fresh, LOOKS_EVERY_S, poll_s=_POLL_S):
            raise Inconclusive("the successors sent no heartbeat when they went on")
        own = drill.target.tenant_tables["exports"]
        fault = hold_table(HarmedDatabase.of(system), own, "EXCLUSIVE")
        await self._locking.enter_async_context(drill.injected(fault))
        victim = self.victims[1]
        drill.history.write("invoke", DRAIN, process=drill.process, worker=victim.name)
        stop = system.stop(victim, self.drill.grace_s + LATE_S)
        self._stopping = asyncio.ensure_future(stop)

    async def _are_fresh(self) -> bool:
        """Whether the successors have sent heartbeats since they were frozen."""
        now = {each.export_id: each for each in await self.drill.view.in_progress()}
        return all(
            each.export_id in now and now[each.export_id].heartbeat_at != each.heartbeat_at
            for each in self.lost.values()
        )

    async def expect_nothing_released(self) -> None:
        """When it has ended, its successors still hold what it had lost."""
        assert self._stopping is not None
        await asyncio.wait({self._stopping}, timeout=self.drill.grace_s * LOCKED)
        await self._locking.aclose()
        code = await self._stopping
        kind: EntryType = "fail" if code is None or code < 0 else "ok"
        self.drill.history.write(
            kind, DRAIN, process=self.drill.process, worker=self.victims[1].name
        )
        self.held_still = len(self.lost)

    async def close(self) -> None:
        """Let go what is held."""
        await self._locking.aclose()
        if self._stopping is not None:
            await asyncio.wait({self._stopping})

    async def _of_successors(self) -> Snapshot:
        """Give the exports that were lost, and all events of the ledger that name one of them."""
        shown = await self.drill.view.snapshot()
        return {
            what: record
            for what, record in shown.items()
            if any(each in what or each in str(record) for each in self.lost)
        }


def taken_back(
    lost: Mapping[str, InProgress], steps: Iterable[Transition], stuck_timeout_s: float
) -> set[str]:
    """Give the exports that were taken from the frozen successors when their leases had ended."""
    timeout = timedelta(seconds=stuck_timeout_s)
    ends = {
        name: each.heartbeat_at + timeout
        for name, each in lost.items()
        if each.heartbeat_at is not None
    }
    return {step.export_id for step in steps if step.at >= ends.get(step.export_id, NEVER)}


def to_be_had(live: Sequence[ExportFact], cap: int) -> list[str]:
    """Give what waits and is not kept by the cap of its organization."""
    busy = Counter(each.organization_id for each in live if each.state == PREPARING)
    return [each.id for each in live if each.state == QUEUED and busy[each.organization_id] < cap]


def without(shown: Snapshot, exports: Collection[str]) -> Snapshot:
    """Give what is shown of other exports than these."""
    return {
        what: record
        for what, record in shown.items()
        if not any(each in what or each in str(record) for each in exports)
    }
