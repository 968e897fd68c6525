"""A worker claims again what it has lost: its first attempt does nothing to the second."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from chaos.drills.drill import Drill, FaultStep, run_drill
from chaos.drills.identity.setting_back import set_back
from chaos.drills.identity.stored_bytes import StoredBytes, digests_of_files
from chaos.drills.worker_drill import WorkerDrill, end_violations, worker_drill
from chaos.exports.final_state import read_downloads
from chaos.exports.view import InProgress
from chaos.faults.pause_instance import pause_instance
from harness.check import check
from harness.checkers import Download, Orphan
from harness.checkers.fold import microseconds
from harness.errors import Inconclusive
from harness.expect import expect
from harness.history import HistoryWriter
from harness.history.entries import Busy
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target
from harness.vocabulary.exports import READY
from harness.waiting import becomes_true, wait_until

STUCK_TIMEOUT_S = 2.0
"""Which the second attempt must outlast."""

PARKED_AT = "before_commit"
"""The first attempt has stored its object there."""

OVERLAP_S = 0.5
"""How long the first attempt goes on beside the second, but for the wait for a heartbeat."""

PRECISION = 0.9
"""The part of a sleep that has surely passed when it ends: its clock is not the database's."""

NEVER = 1_000_000
"""More attempts than there are."""

_POLL_S = 0.05


@dataclass(kw_only=True)
class FirstAttempts:
    """What is known of the first attempts of the one worker."""

    drill: WorkerDrill
    stored: StoredBytes | None = None
    """What was stored when the worker was frozen."""
    since: datetime = field(init=False)
    """When the one that is lost later was claimed."""
    later: Sequence[str] = ()
    """The exports that it loses later, when it is awake."""

    async def lose(self) -> None:
        """Set exports of the frozen worker back to the queue: one, or all where none sleeps long.

        Over HTTP nothing can be set back: they fall silent.
        """
        drill = self.drill
        held = await self._held()
        if not held:
            raise Inconclusive(f"{drill.victims[0].worker.name} was frozen without exports")
        self.stored = StoredBytes.of(drill.own.system.storage_dir, is_calm=self._sleeps)
        if not drill.view.shows_workers:
            drill.orphans = [_orphan(each, "SIGSTOP") for each in held]
            await asyncio.sleep(drill.times.stuck_timeout_s)  # no client can see that it is over
            return
        lost = held
        if self._sleeps:
            lost, self.later = held[:1], [each.export_id for each in held[1:2]]
            steps = (await drill.view.observed()).watched()
            claims = [each for each in steps if each.is_claim and each.export_id in self.later]
            self.since = max((each.at for each in claims), default=await drill.view.now())
        await self._set_back(lost, "its exports were set back while it was frozen")

    async def lose_awake(self) -> None:
        """Set an export back shortly before its first attempt ends, and wake the worker at once.

        It claims the export before its next heartbeat. What is left of the second attempt, when
        the first one has ended, is longer than it can last without heartbeats.
        """
        drill = self.drill
        if not self.later:
            return
        await drill.backlog.prepare(1)
        due = self.since + timedelta(seconds=sleeps_s(drill) - OVERLAP_S)

        async def is_due() -> bool:
            return await drill.view.now() >= due

        what = "first attempts to have slept for most of their time"
        await wait_until(is_due, sleeps_s(drill), what, poll_s=_POLL_S)
        held = await self._after_a_heartbeat()
        if held:
            await self._set_back(held, "its export was set back while it was awake")
            await drill.backlog.request(each=1)

    def expect_same_bytes(self, downloads: Sequence[Download]) -> None:
        """Fail when an attempt stored other bytes than the first one had stored."""
        now = digests_of_files(self.drill.own.system.storage_dir)
        changed = self.stored.differing(downloads, now) if self.stored else ()
        self.drill.judged.update(changed)
        expect(
            not changed,
            expected="the second attempt at an export to write the same bytes as the first",
            got=f"other bytes of {len(changed)} exports, such as {changed[0]}" if changed else "",
            rule="export.same-bytes",
        )

    async def _after_a_heartbeat(self) -> Sequence[InProgress]:
        """Wait for a heartbeat of what is lost later: the next one is far away then."""
        seen: set[datetime | None] = set()
        held: Sequence[InProgress] = ()

        async def is_new() -> bool:
            nonlocal held
            held = [each for each in await self._held() if each.export_id in self.later]
            seen.update(each.heartbeat_at for each in held)
            return len(seen) > 1 or not held

        assert self.drill.target.worker is not None
        within_s = 2 * self.drill.target.worker.heartbeat_interval_s
        await becomes_true(is_new, within_s, poll_s=_POLL_S / 5)
        return held

    @property
    def _sleeps(self) -> bool:
        """Whether the worker sleeps over each export, for a known time."""
        return self.drill.victims[0].failpoint is not None

    async def _held(self) -> Sequence[InProgress]:
        return [each for each in await self.drill.view.in_progress() if each.heartbeat_at]

    async def _set_back(self, lost: Sequence[InProgress], where: str) -> None:
        """Set exports back as if their worker had been silent for longer than the stuck timeout."""
        drill = self.drill
        silent = timedelta(seconds=drill.times.stuck_timeout_s + OVERLAP_S)
        orphans = [_orphan(each, where, silent) for each in lost]
        drill.orphans = [*drill.orphans, *orphans]
        await drill.begin_recovery()
        await set_back(drill, [each.export_id for each in lost], silent)


def _orphan(each: InProgress, where: str, silent: timedelta = timedelta(0)) -> Orphan:
    assert each.heartbeat_at is not None
    return Orphan(
        export_id=each.export_id,
        attempt=each.attempt,
        heartbeat_at=each.heartbeat_at - silent,
        worker=each.worker,
        where=where,
    )


async def hold_exports(drill: WorkerDrill) -> None:
    """Bring the one worker to the point where it holds exports, with its objects stored."""
    if drill.failpoints is not None and PARKED_AT in drill.failpoints.names:
        await drill.park([(PARKED_AT, sleeps_s(drill))], organizations=1, until_full=False)
    else:
        await drill.freeze_busy(1)


def sleeps_s(drill: WorkerDrill) -> float:
    """How long each attempt sleeps: when the first one has ended, the second one still has to last
    for longer than it keeps its export without heartbeats.
    """
    return drill.times.stuck_timeout_s + 2 * drill.times.sweep_interval_s + OVERLAP_S


def lose_and_wake_up(first: FirstAttempts, drill: WorkerDrill) -> Sequence[FaultStep]:
    """Freeze the worker while an export is set back, and set one back when it is awake."""
    worker = drill.victims[0].worker
    return [
        FaultStep(
            faults=[pause_instance(drill.own.system, worker, drill.outside)],
            while_it_holds=first.lose,
            once_healed=first.lose_awake,
        )
    ]


async def wait_until_ended(first: FirstAttempts, drill: WorkerDrill) -> None:
    """Wait for the second attempts; note how long each surely slept, and what it stored."""
    if not drill.view.shows_workers:
        drill.seen = await drill.view.wait_until_ended(drill.times, lambda _seen, _now: False)
        attempts = {each.id: each.attempt or 0 for each in drill.final.exports}
        # The worker may have been the first to give a sign of life again: it had lost nothing.
        drill.orphans = [each for each in drill.orphans if attempts[each.export_id] > each.attempt]
        await drill.begin_recovery()
        return
    await drill.wait_until_ended()
    if drill.victims[0].failpoint is not None:
        note_sleeps(drill)
    async with drill.cells.of(what="stored objects"):
        ready = [each.id for each in drill.final.exports if each.state == READY]
        first.expect_same_bytes(await read_downloads(ready, drill.backlog.owners))


def note_sleeps(drill: WorkerDrill) -> None:
    """Note of each second attempt how long it surely slept."""
    worker = drill.victims[0]
    lost = {each.export_id: each.attempt for each in drill.orphans}
    for step in drill.final.watched():
        if step.is_claim and (step.new_attempt or 0) > lost.get(step.export_id, NEVER):
            # The changes before it are not by the first attempt: its claim was not yet stale.
            before = [each for each in drill.final.watched() if each.n <= step.n]
            drill.looks.exports(
                replace(drill.final, exports=[], completions=[], transitions=before)
            )
            until = step.at + timedelta(seconds=worker.seconds * PRECISION)
            drill.history.append(
                Busy,
                job=step.export_id,
                worker=worker.worker.name,
                since_us=microseconds(step.at),
                until_us=microseconds(until),
                stale=f"the first attempt of {worker.worker.name}",
                where=f"sleeps {worker.where} in attempt {step.new_attempt}",
            )


def tried_twice(drill: WorkerDrill) -> int:
    """Count the exports that the one worker has claimed again."""
    if drill.orphans or drill.view.shows_workers:
        return len(drill.orphans)
    raise Inconclusive(
        f"{drill.victims[0].worker.name} had lost nothing when it woke up: it gave a sign of life "
        "before it took back what was silent, and no export could be set back in its database; "
        "describe it by [database] source and [claim] table to let the drill do that"
    )


def drill_of(first: FirstAttempts) -> Drill[WorkerDrill]:
    """Give the drill."""
    return Drill[WorkerDrill](
        needs=NEEDS,
        budget_s=BUDGET_S,
        prepare=hold_exports,
        faults=partial(lose_and_wake_up, first),
        drain=partial(wait_until_ended, first),
        checkers=(end_violations,),
        seen={"exports that one process claimed twice": tried_twice},
    )


NEEDS = frozenset({Capability.TENANTS, Capability.SPAWN, Capability.PAUSE})
BUDGET_S = 90


@check(
    "chaos.second-attempt",
    "A worker may claim again what it has lost",
    checklist="Verify that a second attempt by the same worker is as good as one by another",
    profile="full",
    observes=1,
    needs=NEEDS,
    deadline_s=BUDGET_S,
)
async def check_second_attempt(
    fresh_system: FreshSystem,
    target: Target,
    rng: random.Random,
    history: HistoryWriter,
    observe: Observations,
    cells: Cells,
) -> None:
    """Freeze the only worker at work, set an export back to the queue, and wake it up.

    Set another one back when it is awake. It claims them again while its first attempts are not
    over: these neither finish the second ones, nor end them, nor take their heartbeats. Each is
    done once, at the second attempt, with the same bytes.
    """
    values = {"stuck_timeout_s": f"{STUCK_TIMEOUT_S:g}"}
    async with worker_drill(
        fresh_system, target, rng, history, observe, cells, values=values
    ) as drill:
        await run_drill(drill_of(FirstAttempts(drill=drill)), drill)
