"""Workers that get SIGTERM while they hold exports, and what they leave behind."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    nullcontext,
)
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from chaos.drills.worker_drill import WorkerDrill
from chaos.exports.view import InProgress
from chaos.faults.harmed_database import HarmedDatabase
from chaos.faults.hold_session import hold_table
from chaos.faults.proof import FaultNotShown
from harness.checkers import Transition, Violation, overtaken
from harness.checkers.recovery import DRAIN
from harness.errors import CheckFailed, Inconclusive
from harness.expect import expect
from harness.system import Instance
from harness.target import Capability
from harness.target.tables.catalog import TableName
from harness.vocabulary.exports import PREPARING, PROOF_PACK
from harness.waiting import becomes_true, wait_until

LATE_S = 1.0
"""What a busy machine may take to notice that a process has ended."""

CLAIMED_WITHIN_S = 10.0
"""How long a worker that has just started may take to hold what was given back."""

HANGS_WITHIN_S = 2.0
"""How long it may take until a worker claims again: it looks for work within a second."""

LOCKED = 0.65
"""For which part of the grace the table is locked; the rest is enough to give exports back."""

SLACK = 1
"""How many younger ones may overtake what a drain gave back: there are more that wait."""

_POLL_S = 0.05
_WAITING = """
SELECT count(*) AS n FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ILIKE %s
"""


@dataclass(kw_only=True)
class Draining:
    """One system without workers, whose exports one worker after the other must give back."""

    drill: WorkerDrill
    grace_s: float
    """Within which a worker ends by itself, as its environment says."""
    can_lock: bool
    """Whether work can be kept from ending by a lock in the database."""
    drained: int = 0
    """How often exports were given back, all of them each time."""
    _seen: Sequence[InProgress] = ()
    """What the worker that runs now was seen to hold."""

    @classmethod
    async def of(cls, drill: WorkerDrill, grace_s: float) -> "Draining":
        """Begin; finds out whether the table of evidence is there under the name that is known."""
        drill.looks.promise(grace_s=grace_s)
        return cls(drill=drill, grace_s=grace_s, can_lock=await can_lock(drill))

    async def request_exports(self) -> None:
        """Request the exports: twice the cap, so that younger ones wait beside what is given back.

        Without a view of who claims what, and without proof packs, so many that all can be in
        progress.
        """
        drill = self.drill
        types = (await drill.own.organizations.new()).client.export_types
        if drill.view.shows_workers and PROOF_PACK in types:
            await drill.backlog.crowd(2 * drill.target.limits.per_org_in_progress)
        else:
            await drill.backlog.grow(1)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[Instance]:
        """Start a worker; inside, it holds exports and cannot finish them where that is possible.

        `CheckFailed` when it does not get what an earlier one gave back.
        """
        async with self._injected("evidence") if self.can_lock else nullcontext():
            worker = await self.drill.own.system.start("worker")
            await self._wait_until_held(worker)
            yield worker

    async def after_failed_work(self) -> Instance:
        """Start a worker whose work fails each time, and wait until it has given up on some."""
        assert self.drill.failpoints is not None
        environment = self.drill.failpoints.environment({"while_working": "raise"})
        worker = await self.drill.own.system.start("worker", environment)
        await self._wait_until_held(worker)
        return worker

    async def expect_drained(
        self, worker: Instance, *, twice: bool = False, locked: bool = False
    ) -> None:
        """Send SIGTERM to a worker; expect that it ends in time and holds nothing then.

        `twice`: send it again after a quarter of its grace. `locked`: the table of exports is
        locked from before SIGTERM until most of the grace is over; a claim that hangs is no excuse.
        """
        held = self._seen
        code = await self._stop(worker, twice=twice, locked=locked)
        left = await self._held(worker)
        # What is wrong with these in the end follows from it.
        self.drill.judged.update(each.export_id for each in left)
        if code == -signal.SIGKILL:
            self.drill.judged.add(worker.name)
        if not left and await self._are_live(held):
            self.drained += 1
        self.drill.observe(len(held), what="exports whose worker got SIGTERM")
        expect(
            not left,
            expected=f"no export in progress when its worker has ended: {worker.name} held "
            f"{len(held)} when it got SIGTERM, and had {self.grace_s:g} s",
            got=f"{len(left)} still {PREPARING}: {', '.join(each.export_id for each in left[:4])}",
            detail=f"{worker.name} ended with {code}",
            rule="drain.gives-back",
        )
        expect(
            code != -signal.SIGKILL,
            expected=f"{worker.name} to end by itself within {self.grace_s:g} s of SIGTERM",
            got=f"it still ran {LATE_S:g} s after that, and was killed",
            rule="drain.in-time",
        )

    async def _told(self, worker: Instance) -> int | None:
        """Send SIGTERM and wait for the end; the history has the moments of both."""
        note = partial(
            self.drill.history.write, f=DRAIN, process=self.drill.process, worker=worker.name
        )
        note("invoke")
        code = await self.drill.own.system.stop(worker, self.grace_s + LATE_S)
        note("fail" if code == -signal.SIGKILL else "ok")
        return code

    async def _stop(self, worker: Instance, *, twice: bool, locked: bool) -> int | None:
        stop = partial(self._told, worker)
        if twice:
            first = asyncio.ensure_future(stop())
            await asyncio.wait({first}, timeout=self.grace_s / 4)
            again = self.drill.own.system.stop(worker, self.grace_s + LATE_S)
            return (await asyncio.gather(first, again))[0]
        if not locked:
            return await stop()
        async with self._exports_locked():
            await becomes_true(self._is_claiming, HANGS_WITHIN_S, poll_s=_POLL_S)
            stopping = asyncio.ensure_future(stop())
            await asyncio.wait({stopping}, timeout=self.grace_s * LOCKED)
        return await stopping

    @asynccontextmanager
    async def _exports_locked(self) -> AsyncIterator[None]:
        """Lock the table of exports; only against changes where a worker is reading it."""
        async with AsyncExitStack() as holding:
            for mode in ("ACCESS EXCLUSIVE", "EXCLUSIVE"):
                try:
                    await holding.enter_async_context(self._injected("exports", mode))
                    break
                except FaultNotShown:
                    if mode == "EXCLUSIVE":
                        raise
            yield

    async def _is_claiming(self) -> bool:
        """Whether a session waits for a lock in a claim: by its function, or any where none is."""
        claim = self.drill.target.claim
        name = claim.function if claim else ""
        row = await self.drill.own.control_database.fetch_one(_WAITING, [f"%{name}%"])
        return bool(row["n"])

    def _injected(
        self, table: TableName, mode: str = "ACCESS EXCLUSIVE"
    ) -> AbstractAsyncContextManager[object]:
        own = self.drill.target.tenant_tables[table]
        fault = hold_table(HarmedDatabase.of(self.drill.own.system), own, mode)
        return self.drill.injected(fault)

    async def _held(self, worker: Instance) -> Sequence[InProgress]:
        """Give what is in progress in its name; where no names are seen, all of it."""
        found = await self.drill.view.in_progress()
        if not self.drill.view.shows_workers:
            return found
        return [each for each in found if each.worker == worker.name]

    async def _are_live(self, held: Sequence[InProgress]) -> bool:
        """Whether none of them has ended."""
        live = {each.id for each in await self.drill.view.live()}
        return {each.export_id for each in held} <= live

    async def _wait_until_held(self, worker: Instance) -> None:
        within_s = self.drill.target.pace.wait_s(CLAIMED_WITHIN_S)

        def nothing(waited: str) -> Exception:
            if not self.drained:
                return Inconclusive(waited)
            return CheckFailed(
                expected="exports that a worker gave back to be claimed by the next one at once",
                got=waited,
                rule="drain.gives-back",
            )

        async def holds() -> bool:
            self._seen = await self._held(worker)
            if self._seen:
                return True
            if not self.can_lock and not await self.drill.view.live():
                await self.drill.backlog.grow(1)  # quick work has ended meanwhile
            return False

        what = f"{worker.name} to hold an export"
        await wait_until(holds, within_s, what, poll_s=_POLL_S, error=nothing)


def overtaken_after_drains(transitions: Sequence[Transition], cap: int) -> Sequence[Violation]:
    """Give what was claimed behind younger ones, though it was there first."""
    requested: dict[str, datetime] = {}
    for step in transitions:
        requested.setdefault(step.export_id, step.at)
    return overtaken(transitions, requested, cap=cap, slack=SLACK)


async def can_lock(drill: WorkerDrill) -> bool:
    """Say whether a lock of the table of evidence keeps work from ending, and is ours to take."""
    table = drill.target.tenant_tables.get("evidence", "")
    is_ours = drill.view.shows_workers and Capability.DATABASE_CONTROL in drill.offered
    if not table or not is_ours:
        return False
    row = await drill.own.control_database.fetch_one("SELECT to_regclass(%s) AS found", [table])
    return row["found"] is not None
