"""Workers that get SIGTERM while they hold exports, and what they leave behind."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from chaos.drills.worker_drill import WorkerDrill
from chaos.exports.view import InProgress
from chaos.faults.fault import Fault
from chaos.faults.harmed_database import HarmedDatabase
from chaos.faults.hold_session import hold_table
from harness.checkers import Transition, Violation, overtaken
from harness.checkers.recovery import DRAIN
from harness.client import together
from harness.errors import CheckFailed, Inconclusive
from harness.expect import expect
from harness.system import Instance
from harness.target import Capability
from harness.target.tables.catalog import TableName
from harness.vocabulary.exports import PREPARING, PROOF_PACK, QUEUED
from harness.waiting import wait_until

LATE_S = 1.0
"""What a busy machine may take to notice that a process has ended."""

CLAIMED_WITHIN_S = 10.0
"""How long a worker that has just started may take to hold what was given back."""

CALM_S = 1.0
"""A worker that gets nothing for so long while another one holds exports is left for later."""

SLACK = 1
"""How many younger ones may overtake what a drain gave back: there are more that wait."""

_POLL_S = 0.05


@dataclass(frozen=True, kw_only=True)
class Turn:
    """How one worker is stopped."""

    when: str
    """The cell in which it is judged."""
    twice: bool = False
    """SIGTERM is sent again after a quarter of the grace."""


@dataclass(kw_only=True)
class Draining:
    """One system without workers, whose exports one worker after the other must give back."""

    drill: WorkerDrill
    can_lock: bool
    """Whether work can be kept from ending by a lock in the database."""
    drained: int = 0
    """How often a worker gave back all that it held, and none of it had ended."""
    _seen: dict[str, Sequence[InProgress]] = field(default_factory=dict)
    """What each worker was seen to hold."""

    @classmethod
    async def of(cls, drill: WorkerDrill) -> "Draining":
        """Begin; finds out whether the table of evidence is there under the name that is known."""
        drill.looks.promise(grace_s=drill.grace_s)
        return cls(drill=drill, can_lock=await can_lock(drill))

    async def drain(self, *turns: Turn) -> None:
        """Stop a worker for each turn: at once where work is held up, else one after the other."""
        for group in [turns] if self.can_lock else [(each,) for each in turns]:
            async with self.held_up():
                workers = await together(self.start() for _ in group)
                left = {each.name: turn for each, turn in zip(workers, group, strict=True)}
                while left:
                    ready = await self.until_held([each for each in workers if each.name in left])
                    await asyncio.gather(
                        *(self._drain(each, left.pop(each.name)) for each in ready)
                    )

    async def drain_after_failed_work(self, turn: Turn) -> None:
        """Stop a worker whose work fails each time, when it has given up on some."""
        assert self.drill.failpoints is not None
        environment = self.drill.failpoints.environment({"while_working": "raise"})
        worker = await self.drill.own.system.start("worker", environment)
        await self.until_held([worker])
        await self._drain(worker, turn)

    async def start(self, *, poll_s: float | None = None) -> Instance:
        """Start a worker, with a poll interval of its own if wanted."""
        values = {} if poll_s is None else {"poll_interval_s": f"{poll_s:g}"}
        return await self.drill.own.system.start("worker", values=values)

    @property
    def places(self) -> int:
        """The most exports that a worker was seen to hold at once."""
        return max((len(each) for each in self._seen.values()), default=0)

    async def request_exports(self, organizations: int) -> None:
        """Request the exports: twice the cap of each, so that younger ones wait beside them.

        Without a view of who claims what, and without proof packs, so many that all can be in
        progress.
        """
        drill = self.drill
        types = (await drill.own.organizations.new()).client.export_types
        if not drill.view.shows_workers or PROOF_PACK not in types:
            await drill.backlog.grow(1)
            return
        for _ in range(organizations if self.can_lock else 1):  # else one works at a time
            await drill.backlog.crowd(2 * drill.target.limits.per_org_in_progress)

    @property
    def stopped_within_s(self) -> float:
        """How long to wait for a worker that got SIGTERM until it is killed."""
        return self.drill.grace_s + LATE_S

    @asynccontextmanager
    async def held_up(self) -> AsyncIterator[None]:
        """Inside, workers cannot finish what they claim, where that is possible."""
        async with AsyncExitStack() as holding:
            if self.can_lock:
                await holding.enter_async_context(self.drill.injected(self.locking("evidence")))
            yield

    def locking(self, table: TableName, mode: str = "ACCESS EXCLUSIVE") -> Fault:
        """Give the lock of a table."""
        own = self.drill.target.tenant_tables[table]
        return hold_table(HarmedDatabase.of(self.drill.own.system), own, mode)

    async def until_held(self, workers: Sequence[Instance]) -> Sequence[Instance]:
        """Wait for workers to hold exports; give all, or those for which there was enough.

        `CheckFailed` when none gets what an earlier one gave back.
        """
        changed, before = time.monotonic(), 0

        def nothing(waited: str) -> Exception:
            if not self.drained:
                return Inconclusive(waited)
            return CheckFailed(
                expected="exports that a worker gave back to be claimed by the next one at once",
                got=waited,
                rule="drain.gives-back",
            )

        async def holders() -> Sequence[Instance]:
            nonlocal changed, before
            for each in workers:
                self._seen[each.name] = await self._held(each)
            ready = [each for each in workers if self._seen[each.name]]
            if len(ready) != before:
                changed, before = time.monotonic(), len(ready)
            live = await self.drill.view.live()
            is_calm = time.monotonic() - changed > CALM_S
            if len(ready) == len(workers) or is_calm or all(e.state != QUEUED for e in live):
                return ready
            return []

        async def hold() -> Sequence[Instance]:
            ready = await holders()
            if not ready and not self.can_lock and not await self.drill.view.live():
                await self.drill.backlog.grow(1)  # quick work has ended meanwhile
            return ready

        within_s = self.drill.target.pace.wait_s(CLAIMED_WITHIN_S)
        what = f"{' or '.join(each.name for each in workers)} to hold an export"
        return await wait_until(hold, within_s, what, poll_s=_POLL_S, error=nothing)

    async def _drain(self, worker: Instance, turn: Turn) -> None:
        """Send SIGTERM to a worker; expect that it ends in time and holds nothing then."""
        async with self.drill.cells.of(when=turn.when):
            code = await self._stop(worker, twice=turn.twice)
            await self.expect_drained(worker, code)

    async def expect_drained(self, worker: Instance, code: int | None) -> None:
        """Expect that a worker that was stopped has ended in time and holds nothing."""
        held, left = self._seen[worker.name], await self._held(worker)
        # What is wrong with these in the end follows from it.
        self.drill.judged.update(each.export_id for each in left)
        if not left and await self._are_live(held):
            self.drained += 1
        self.drill.observe(len(held), what="exports whose worker got SIGTERM")
        expect(
            not left,
            expected=f"no export in progress when its worker has ended: {worker.name} held "
            f"{len(held)} when it got SIGTERM, and had {self.drill.grace_s:g} s",
            got=f"{len(left)} still {PREPARING}: {', '.join(each.export_id for each in left[:4])}",
            detail=f"{worker.name} ended with {code}",
            rule="drain.gives-back",
        )
        self.expect_in_time(worker, code)

    def expect_in_time(self, worker: Instance, code: int | None) -> None:
        """Expect that a worker ended by itself."""
        if code == -signal.SIGKILL:
            self.drill.judged.add(worker.name)
        expect(
            code != -signal.SIGKILL,
            expected=f"{worker.name} to end by itself within {self.drill.grace_s:g} s of SIGTERM",
            got=f"it still ran {LATE_S:g} s after that, and was killed",
            rule="drain.in-time",
        )

    async def stop(self, worker: Instance) -> int | None:
        """Send SIGTERM and wait for the end; the history has the moments of both."""
        note = partial(
            self.drill.history.write, f=DRAIN, process=self.drill.process, worker=worker.name
        )
        note("invoke")
        code = await self.drill.own.system.stop(worker, self.stopped_within_s)
        note("fail" if code == -signal.SIGKILL else "ok")
        return code

    async def _stop(self, worker: Instance, *, twice: bool) -> int | None:
        if not twice:
            return await self.stop(worker)
        first = asyncio.ensure_future(self.stop(worker))
        await asyncio.wait({first}, timeout=self.drill.grace_s / 4)
        again = self.drill.own.system.stop(worker, self.stopped_within_s)
        return (await asyncio.gather(first, again))[0]

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


def overtaken_after_drains(
    transitions: Sequence[Transition], cap: int, places: int = 0
) -> Sequence[Violation]:
    """Give what was claimed behind younger ones, though it was there first.

    `places`: how many another worker may claim at the same moment.
    """
    requested: dict[str, datetime] = {}
    for step in transitions:
        requested.setdefault(step.export_id, step.at)
    return overtaken(transitions, requested, cap=cap, slack=places + SLACK)


async def can_lock(drill: WorkerDrill) -> bool:
    """Say whether a lock of the table of evidence keeps work from ending, and is ours to take."""
    table = drill.target.tenant_tables.get("evidence", "")
    is_ours = drill.view.shows_workers and Capability.DATABASE_CONTROL in drill.offered
    if not table or not is_ours:
        return False
    row = await drill.own.control_database.fetch_one("SELECT to_regclass(%s) AS found", [table])
    return row["found"] is not None
