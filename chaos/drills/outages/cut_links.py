"""Some instances lose their database while others keep it, and have it back later.

One API instance and one worker are refused, one of each hears nothing at all any more. What the
cut workers held is taken over by a worker that cannot finish it, for our lock: whatever ends it
when they come back is the work of one that has lost it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from chaos.drills.drill import FaultStep
from chaos.drills.held_work import wait_until_held
from chaos.drills.outage import Outage
from chaos.drills.slow_work import SlowWork
from chaos.drills.worker_drill import WorkerDrill
from chaos.exports.view import InProgress
from chaos.faults.fault import Fault
from chaos.faults.half_open import FILTERS, half_open
from chaos.faults.link import Link, database_link
from chaos.faults.take_down import take_down
from chaos.workers.parked_workers import ParkedWorker
from harness.checkers import Transition
from harness.client import Organization, together
from harness.errors import Inconclusive
from harness.expect import expect, expect_status
from harness.system import Instance
from harness.vocabulary.exports import PREPARING, QUEUED
from harness.waiting import becomes_true, wait_until

ORGANIZATIONS = 3
"""Whose exports wait: more than one worker takes, and so few more that the one that takes over has
places left."""

TAKEN_OVER_WITHIN_S = 5.0
"""How long a worker may take to claim what was taken back."""

BACK_S = 8.0
"""How long it is waited for both workers to connect again before it is looked what they did."""

_POLL_S = 0.04


@dataclass(kw_only=True)
class CutLinks:
    """What the steps of the drill find out for those that follow."""

    drill: WorkerDrill
    outage: Outage
    """Of the instance that keeps its database."""
    slow: SlowWork
    cut: Sequence[str] = ()
    """How each API instance is cut, by its number; the one after them keeps its database."""
    workers: Sequence[Instance] = ()
    """Those that are cut, in the same order."""
    next_jobs: list[tuple[Organization, str]] = field(default_factory=list)
    """Jobs whose exports are requested at the end, one for each worker that was cut."""
    successor: Instance | None = None
    lost: Mapping[str, InProgress] = field(default_factory=dict)
    """What the successor holds of what the cut workers held, by the export's id."""
    looked: int = 0
    kept: int = 0
    """Exports of cut workers that another one held when they came back."""
    returned: int = 0
    """Cut workers that claimed again."""

    async def hold_exports(self, _: WorkerDrill) -> None:
        """Let the workers that will be cut claim exports that they cannot finish."""
        drill = self.drill
        # Where the machine cannot drop packets, nothing is shown but what is refused.
        self.cut = ("refused",) if FILTERS.missing() else ("refused", "silent")
        await drill.backlog.grow(ORGANIZATIONS)
        for _how in self.cut:
            owner, job_id, _evidence = await drill.backlog.job_with_evidence()
            self.next_jobs.append((owner, job_id))
        await self.slow.begin()
        start = drill.own.system.start
        self.workers = await together(start("worker") for _ in self.cut)
        await together(wait_until_held(drill, each) for each in self.workers)
        drill.victims = [ParkedWorker(worker=each) for each in self.workers]

    def faults(self, _: WorkerDrill) -> Sequence[FaultStep]:
        """Cut them all at once; look at the API meanwhile, and at the workers afterwards."""
        system = self.drill.own.system
        victims = zip(self.cut, system.api, self.workers, strict=False)
        faults = [
            self._fault(how, database_link(system, each))
            for how, *instances in victims
            for each in instances
        ]
        return [FaultStep(faults=faults, while_it_holds=self.look, once_healed=self.expect_back)]

    def _fault(self, how: str, link: Link) -> Fault:
        return take_down(link) if how == "refused" else half_open(self.drill.own.system, link)

    async def look(self) -> None:
        """Ask the instances, and wait until the exports of the cut workers are with another one."""
        drill = self.drill
        await drill.find_orphans("cut off from its database")
        drill.looks.harmed({"job": each} for each in drill.backlog.owners)
        await self._ask_all()
        # Only now: how long it waits for our lock is its own business, and may be seconds.
        self.successor = await drill.own.system.start("worker")
        await drill.begin_recovery()
        await self._until_taken_over()
        self.lost = await self._of_successor()

    async def _ask_all(self) -> None:
        others = (self._ask_cut(number, how) for number, how in enumerate(self.cut))
        await asyncio.gather(self._ask_connected(), *others)

    async def _ask_cut(self, number: int, how: str) -> None:
        cells, outage = self.drill.cells, self._at(number)
        client = outage.owner.client
        if client.has("live"):
            async with cells.of(link=how, what="live", rule="outage.live"):
                expect_status(await outage.live(), 200)
                self.looked += 1
        if client.has("ready"):
            async with cells.of(link=how, what="ready", rule="outage.unavailable"):
                expect_status(await outage.ready(), 503)
                self.looked += 1
        await asyncio.gather(*(self._ask_for(name, outage, how) for name in outage.requests()))

    async def _ask_for(self, name: str, outage: Outage, how: str) -> None:
        async with self.drill.cells.of(link=how, what=name):
            await outage.expect_unavailable(name, outage.requests()[name]())
            self.looked += 1

    async def _ask_connected(self) -> None:
        """Ask the instance that keeps its database, but for nothing that our lock may delay."""
        client = self.outage.owner.client
        title = client.marked("beside an outage")
        async with self.drill.cells.of(link="kept", what="requests", rule="outage.others-serve"):
            expect_status(await client.call("createJob", json={"title": title}), 200, 201)
            expect_status(await client.call("listJobs"), 200)
            if client.has("ready"):
                expect_status(await client.call("ready"), 200)

    async def _until_taken_over(self) -> None:
        """Wait until the successor holds some of what the cut workers held."""
        times = self.drill.times
        await wait_until(
            self._of_successor,
            times.stuck_timeout_s + 2 * times.sweep_interval_s + TAKEN_OVER_WITHIN_S,
            "another worker to hold what the cut ones held",
            poll_s=_POLL_S,
            error=Inconclusive,
        )

    async def _of_successor(self) -> Mapping[str, InProgress]:
        """Give what it holds of what the cut workers held, by the export's id."""
        orphans = {each.export_id for each in self.drill.orphans}
        return {
            each.export_id: each
            for each in await self.drill.view.in_progress()
            if self.successor and each.worker == self.successor.name and each.export_id in orphans
        }

    async def expect_back(self) -> None:
        """Expect the cut ones to leave alone what they have lost, and to work again."""
        drill = self.drill
        await self._expect_left_alone()
        await self.slow.end()
        await together(map(self._expect_serving, range(len(self.cut))))
        drill.seen = await drill.view.wait_until_ended(drill.times, drill.recovery.is_overdue)
        self._require_patience()
        await self._expect_working()

    def _require_patience(self) -> None:
        """`Inconclusive` where the successor gave up its work because of our lock."""
        gave_up = {
            each.export_id
            for each in self.drill.final.watched()
            if self._is_end_of_lost(each) and each.new_state == QUEUED
        }
        if gave_up:
            raise Inconclusive(
                f"{len(gave_up)} exports were left by the worker that had taken them over: it did "
                "not wait for the table that this drill locks. Run it again on an idle machine"
            )

    def _is_end_of_lost(self, step: Transition) -> bool:
        """Whether an export that was lost is no longer with the new owner, or not at its claim."""
        lost = self.lost.get(step.export_id)
        if lost is None or (step.old_claimed_by, step.old_attempt) != (lost.worker, lost.attempt):
            return False
        stays = (step.new_claimed_by, step.new_attempt) == (lost.worker, lost.attempt)
        return not (stays and step.new_state == PREPARING)

    async def _expect_left_alone(self) -> None:
        """Two heartbeats after the workers are back, all must be with the successor still."""
        drill = self.drill
        links = [database_link(drill.own.system, each) for each in self.workers]
        await becomes_true(lambda: all(each.proxy.open for each in links), BACK_S, poll_s=_POLL_S)
        await asyncio.sleep(drill.view.settle_s)
        observed = await drill.view.observed()
        ends = [each for each in observed.watched() if self._is_wrong_end(each)]
        self.kept = len(self.lost)
        async with drill.cells.of(link="back", what="exports of the successor"):
            expect(
                not ends,
                expected="exports that cut workers had lost to stay with their new owner, which "
                "lives and cannot finish them yet, when the link is back",
                got=ends[0].describe() if ends else "",
                detail="\n".join(each.describe() for each in ends[1:8]),
                rule="stale-worker.changes-nothing",
            )

    def _is_wrong_end(self, step: Transition) -> bool:
        """Whether it takes a lost export from its new owner, whose heartbeat was young."""
        timeout = timedelta(seconds=self.drill.times.stuck_timeout_s)
        is_old = step.heartbeat_at is not None and step.at >= step.heartbeat_at + timeout
        return self._is_end_of_lost(step) and not is_old

    async def _expect_serving(self, number: int) -> None:
        how = self.cut[number]
        async with self.drill.cells.of(link="back", what=f"requests of the instance: {how}"):
            await self._at(number).expect_back()

    async def _expect_working(self) -> None:
        """Expect each of the workers to claim again: the others are frozen meanwhile."""
        assert self.successor is not None
        everybody = [*self.workers, self.successor]
        for how, worker in zip(self.cut, self.workers, strict=True):
            async with self.drill.cells.of(link="back", what=f"claims of the worker: {how}"):
                await self._expect_claim(worker, [each for each in everybody if each != worker])

    async def _expect_claim(self, worker: Instance, others: Sequence[Instance]) -> None:
        drill, system = self.drill, self.drill.own.system
        claim: Sequence[Transition] = ()

        async def has_claimed() -> bool:
            nonlocal claim
            observed = await drill.view.observed()
            claim = [each for each in observed.watched() if each.is_claim and each.at > since]
            return any(each.new_claimed_by == worker.name for each in claim)

        await self.slow.freeze(others)
        try:
            since = await drill.view.now()
            await drill.backlog.request_one(*self.next_jobs.pop())
            within_s = self.outage.back_within_s
            is_back = await becomes_true(has_claimed, within_s, poll_s=_POLL_S)
        finally:
            await together(map(system.resume, others))
        expect(
            is_back,
            expected=f"{worker.name}, the only worker that is not frozen, to claim an export "
            f"within {within_s:g} s after its database was back, without a restart",
            got="it claimed nothing",
            rule="outage.recovers",
        )
        self.returned += 1

    async def end(self, drill: WorkerDrill) -> None:
        """Wait until what was requested last has ended, too."""
        drill.seen = await drill.view.wait_until_ended(drill.times, lambda _seen, _now: False)

    def _at(self, number: int) -> Outage:
        """Give the same requests, sent to the instance of this number."""
        owner = self.outage.owner
        return replace(self.outage, owner=replace(owner, client=owner.client.at(number)))
