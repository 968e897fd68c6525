"""Idle workers, and how soon each of them takes up what is queued."""

import signal
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from chaos.drills.health import judge_health
from chaos.drills.slow_work import table_to_lock
from chaos.drills.waking.waits import Wait, describe, waits, waits_for_a_place
from chaos.drills.worker_drill import END, WorkerDrill, end_violations, worker_drill
from chaos.faults.end_sessions import end_sessions_of
from chaos.faults.exhaust_slots import exhaust_slots
from chaos.faults.harmed_database import HarmedDatabase
from chaos.faults.hold_session import hold_table
from harness.checkers.recovery import DRAIN
from harness.errors import CheckFailed, Inconclusive
from harness.expect import expect
from harness.history import EntryType, HistoryWriter
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.system import Instance
from harness.target import Target
from harness.vocabulary.exports import QUEUED
from harness.waiting import becomes_true, wait_until

LONG_POLL_S = 60.0
"""The poll interval of workers that NOTIFY wakes: what they take up sooner was not polled."""

PART = 10
"""Within which part of it an export must be claimed."""

CONTRACT_S = 1.0
"""Within which an idle worker takes up an export, however it learns of it."""

SLACK_S = 2.0
"""What a busy machine may take on top of that."""

LISTENS_WITHIN_S = 15.0
"""How long a worker may take to listen again after its connection was ended."""

FULL_FOR_S = 0.3
"""A worker that claimed nothing for so long, though something is queued, has no free place."""

HOLDS_WITHIN_S = 10.0
"""How long a worker that has just started may take to hold what is queued."""

GRACE_S = 3.0
STUCK_TIMEOUT_S = 1.5
"""The timings of this drill's system, where the target file fills them in."""

_POLL_S = 0.05


@dataclass(frozen=True, kw_only=True)
class Promptness:
    """Within how many seconds an idle worker takes up an export, and why so many."""

    limit_s: float
    why: str

    @classmethod
    def of(cls, target: Target) -> "Promptness":
        """Give what a target's workers are held to."""
        assert target.worker is not None
        pace_s = target.pace.export_s or 0.0
        if target.mentions("poll_interval_s"):
            why = (
                f"it polls every {LONG_POLL_S:g} s here, so only a notification can wake it sooner"
            )
            return cls(limit_s=LONG_POLL_S / PART + pace_s, why=why)
        return cls.by_poll(target.worker.poll_interval_s, pace_s)

    @classmethod
    def by_poll(cls, interval_s: float, pace_s: float = 0.0) -> "Promptness":
        """Give what a worker is held to that polls."""
        within_s = max(CONTRACT_S, interval_s)
        why = (
            f"an idle worker looks for work within {within_s:g} s; {SLACK_S:g} s for a busy machine"
        )
        return cls(limit_s=within_s + SLACK_S + pace_s, why=why)


@dataclass(kw_only=True)
class Waking:
    """One system whose workers are idle when something is queued."""

    drill: WorkerDrill
    prompt: Promptness
    places: int = 0
    """How many exports a worker was seen to hold at once."""

    @property
    def hears(self) -> bool:
        """Whether NOTIFY wakes the workers, as the target file says."""
        return self.drill.target.mentions("poll_interval_s")

    async def idle_worker(self, poll_s: float | None = None) -> Instance:
        """Start a worker, with a poll interval of its own if wanted, and wait until it is idle."""
        values = {} if poll_s is None else {"poll_interval_s": f"{poll_s:g}"}
        worker = await self.drill.own.system.start("worker", values=values)
        if self.hears:
            await becomes_true(lambda: self.listens(worker), LISTENS_WITHIN_S)
        return worker

    async def stop(self, worker: Instance) -> None:
        """Send SIGTERM to a worker, and note in the history that it drains."""
        history, process = self.drill.history, self.drill.process
        history.write("invoke", DRAIN, process=process, worker=worker.name)
        code = await self.drill.own.system.stop(worker)
        kind: EntryType = "fail" if code == -signal.SIGKILL else "ok"
        history.write(kind, DRAIN, process=process, worker=worker.name)

    def listens(self, worker: Instance) -> bool:
        """Whether a connection of the worker has called LISTEN."""
        network = self.drill.own.system.network
        return network is not None and any(
            each.listens for each in network.sessions(worker.name).values()
        )

    async def expect_taken(self, what: str, prompt: Promptness | None = None) -> None:
        """Request one export of an idle system; expect a worker to take it up in time."""
        owner, job_id, _ = await self.drill.backlog.job_with_evidence()
        await self.wait_until_idle()
        since = await self.drill.view.now()
        export = await self.drill.backlog.request_one(owner, job_id)
        await self.expect_claimed([export], since, what, prompt)

    async def expect_claimed_by(self, export: str, since: datetime, prompt: Promptness) -> None:
        """Expect an export to be claimed in time after a moment, or before it."""
        await self._expect([export], since, "without notifications", prompt, by_place=True)

    async def expect_claimed(
        self,
        exports: Collection[str],
        since: datetime,
        what: str,
        prompt: Promptness | None = None,
    ) -> None:
        """Expect each export that was queued since a moment to be claimed in time after it was."""
        await self._expect(exports, since, what, prompt or self.prompt, by_place=False)

    async def expect_claimed_or_let_go(
        self, held: AsyncExitStack, exports: Collection[str], since: datetime, what: str
    ) -> bool:
        """Expect it while work is held up; what is late then has the same time once it is not.

        An idle worker may wait for the very table that is locked. Gives whether work is still held
        up afterwards.
        """
        try:
            await self.expect_claimed(exports, since, what)
        except CheckFailed:
            self.drill.judged.difference_update(exports)
        else:
            return True
        await held.aclose()
        let_go = await self.drill.view.now()
        await self._expect(exports, since, what, self.prompt, by_place=False, not_before=let_go)
        return False

    async def expect_places_filled(
        self, exports: Collection[str], since: datetime, what: str
    ) -> None:
        """Expect each to be claimed in time after one before it has ended."""
        await self._expect(exports, since, what, self.prompt, by_place=True)

    async def _expect(
        self,
        exports: Collection[str],
        since: datetime,
        what: str,
        prompt: Promptness,
        *,
        by_place: bool,
        not_before: datetime | None = None,
    ) -> None:
        found: Sequence[Wait] = ()
        now = since

        async def is_over() -> bool:
            """All are claimed, or one is late."""
            nonlocal found, now
            now = await self.drill.view.now()
            found = await self._waits(exports, since, by_place=by_place)
            if not_before is not None:
                found = [replace(each, since=max(each.since, not_before)) for each in found]
            late = [each for each in found if each.seconds(now) > prompt.limit_s]
            is_claimed = [each.claimed_at is not None for each in found]
            return bool(late) or (len(found) == len(exports) and all(is_claimed))

        within_s = len(exports) * self.drill.target.pace.wait_s(prompt.limit_s + SLACK_S)
        await wait_until(
            is_over, within_s, f"{len(exports)} exports to be claimed ({what})", error=Inconclusive
        )
        late = [each for each in found if each.seconds(now) > prompt.limit_s]
        self.drill.judged.update(each.export_id for each in late)
        self.drill.observe(len(found), what=f"exports queued beside an idle worker: {what}")
        shown = describe(late, now)
        expect(
            not late,
            expected=f"a worker to claim an export within {prompt.limit_s:g} s ({what}): "
            f"{prompt.why}",
            got="; ".join(f"{name} was {how}" for name, how in list(shown.items())[:4]),
            detail=f"{len(late)} of {len(found)} exports were claimed too late or not at all",
            rule="worker.wakes",
        )

    async def _waits(
        self, exports: Collection[str], since: datetime, *, by_place: bool
    ) -> Sequence[Wait]:
        seen = await self.drill.view.observed()
        if seen.transitions is not None:
            self.drill.seen = seen
            measure = waits_for_a_place if by_place else waits
            return measure(seen.transitions, exports, since)
        now = await self.drill.view.now()
        return [
            Wait(export_id=each.id, since=since, claimed_at=None if each.state == QUEUED else now)
            for each in seen.exports
            if each.id in exports
        ]

    async def wait_until_idle(self) -> None:
        """Wait until every export has ended. `Inconclusive` when that takes too long."""

        async def is_idle() -> bool:
            return not await self.drill.view.live()

        times = self.drill.times
        usual_s = HOLDS_WITHIN_S + times.stuck_timeout_s + times.sweep_interval_s
        within_s = self.drill.target.pace.wait_s(usual_s, len(self.drill.backlog.owners))
        await wait_until(is_idle, within_s, "idle workers", poll_s=_POLL_S, error=Inconclusive)

    @asynccontextmanager
    async def unheard(self, worker: Instance) -> AsyncIterator[None]:
        """End the connection on which a worker listens; inside, no new one can be opened."""
        system = self.drill.own.system
        database = HarmedDatabase.of(system)
        ended = end_sessions_of(system, database, worker, "listening")
        async with self.drill.injected(exhaust_slots(database), ended):
            yield

    async def judge_end(self, cells: Cells) -> None:
        """Wait until all is done, and judge that nothing was lost or done twice."""
        drill = self.drill
        drill.seen = await drill.view.wait_until_ended(drill.times, lambda _seen, _now: False)
        drill.looks.harmed({"job": each} for each in drill.backlog.owners)
        await drill.judge(await end_violations(drill), what=END)
        await judge_health(drill.own, cells, drill.where)
        if drill.looks.incomplete and not cells.findings:
            raise Inconclusive("; ".join(drill.looks.incomplete))

    @asynccontextmanager
    async def held_up(self) -> AsyncIterator[None]:
        """Inside, no proof pack can be finished: a table is locked that work on it reads."""
        table = await table_to_lock(self.drill)
        async with self.drill.injected(hold_table(HarmedDatabase.of(self.drill.own.system), table)):
            yield

    async def can_be_held_up(self) -> bool:
        """Say whether there is such a table, and it is seen who holds an export."""
        try:
            return self.drill.view.shows_workers and bool(await table_to_lock(self.drill))
        except Inconclusive:
            return False

    async def until_held(self, exports: set[str]) -> None:
        """Wait until all of these are in progress. `Inconclusive` when they are not."""

        async def holds() -> bool:
            return exports <= {each.export_id for each in await self.drill.view.in_progress()}

        what = f"{len(exports)} exports to be in progress"
        within_s = self.drill.target.pace.wait_s(HOLDS_WITHIN_S)
        await wait_until(holds, within_s, what, poll_s=_POLL_S, error=Inconclusive)

    async def until_full(self) -> set[str]:
        """Wait until workers claim no more though something is queued, and give what is."""
        queued: set[str] = set()
        changed = time.monotonic()

        async def is_full() -> bool:
            nonlocal queued, changed
            now = {each.id for each in await self.drill.view.live() if each.state == QUEUED}
            if now != queued:
                queued, changed = now, time.monotonic()
            return time.monotonic() - changed > FULL_FOR_S

        await becomes_true(is_full, HOLDS_WITHIN_S, poll_s=_POLL_S)
        return queued


@asynccontextmanager
async def waking_drill(
    fresh_system: FreshSystem,
    target: Target,
    rng: Random,
    history: HistoryWriter,
    observe: Observations,
    cells: Cells,
) -> AsyncIterator[Waking]:
    """Bring up a system without workers; those that NOTIFY wakes will poll once a minute."""
    values = {
        "poll_interval_s": f"{LONG_POLL_S:g}",
        "stuck_timeout_s": f"{STUCK_TIMEOUT_S:g}",
        "drain_grace_s": f"{GRACE_S:g}",
    }
    async with worker_drill(
        fresh_system, target, rng, history, observe, cells, values=values, proxied=True
    ) as drill:
        drill.looks.promise(grace_s=drill.grace_s)
        yield Waking(drill=drill, prompt=Promptness.of(target))
