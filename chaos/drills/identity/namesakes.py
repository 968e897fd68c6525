"""Workers that have one name, and what the end of one of them does to another one."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

from chaos.drills.worker_drill import WorkerDrill
from chaos.exports.database_view import DatabaseView
from chaos.exports.view import InProgress
from chaos.faults.harmed_database import HarmedDatabase
from chaos.faults.hold_session import hold_table
from chaos.faults.outside import ItsHeartbeats, Outside
from chaos.workers.busy_worker_freezer import BusyWorkerFreezer, Claim, freeze
from chaos.workers.parked_workers import ParkedWorker
from harness.checkers import ExportFacts, Orphan
from harness.client import together
from harness.errors import Inconclusive
from harness.system import Instance
from harness.target import Target
from harness.target.values.template import placeholders
from harness.vocabulary.exports import PREPARING, QUEUED
from harness.waiting import wait_until

HOLDS_WITHIN_S = 10.0
"""How long a worker may take to claim what waits for it."""

QUIET_WITHIN_S = 5.0
"""How long the database may take for what a frozen worker had already sent."""

ORGANIZATIONS = 4
"""Whose exports wait while work cannot end: enough for three workers."""

LOOKED_BEFORE_S = 1.0
"""How old a sign of life may be when it is seen over HTTP only, on top of what has passed since."""

_TIMES = ("stuck_timeout_s", "drain_grace_s")
_POLL_S = 0.02
_BUSY = """
SELECT count(*) AS n FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
  AND state = 'active' AND wait_event_type IS DISTINCT FROM 'Lock'
"""


def require_names(target: Target) -> None:
    """Raise `Inconclusive` where the target file does not give its workers their names."""
    assert target.worker is not None
    texts = [*(target.worker.command or ()), *map(str, target.worker.environment.values())]
    if not any("instance" in placeholders(each) for each in texts):
        raise Inconclusive(
            "two workers cannot get one name: the target file does not give them any. If the "
            "backend takes one, write it with {instance} into [worker.environment] or "
            "[worker] command"
        )


@dataclass(kw_only=True)
class Namesakes:
    """Three workers of one name. What each has claimed is known, as it ran alone then."""

    drill: WorkerDrill
    can_lock: bool
    """Whether work can be kept from ending by a lock in the database."""
    killed: Instance = field(init=False)
    """The worker that is killed and started again; the name is its own."""
    stopped: Instance = field(init=False)
    """The worker that gets SIGTERM."""
    living: Instance = field(init=False)
    """The worker that lives to the end."""
    orphans: Sequence[Orphan] = ()
    """What one of them held when it was killed."""
    claims: Sequence[Claim] = ()
    """What the living one held when another one got SIGTERM."""
    kept: Sequence[Claim] = ()
    """Those of them that it surely had to keep."""
    frozen_s: float = 0.0
    """For how long the living one gave no sign of life while the other one ended, at most."""
    _lock: AsyncExitStack = field(default_factory=AsyncExitStack)
    """Keeps work from ending."""

    @property
    def name(self) -> str:
        """The name that all have."""
        return self.killed.name

    async def start(self) -> None:
        """Start all. They have claimed nothing yet, and are frozen."""
        system = self.drill.own.system
        self.killed = await system.start("worker")
        self.stopped, self.living = await together(
            system.start("worker", values={"instance": self.name}) for _ in range(2)
        )
        started = (self.killed, self.stopped, self.living)
        await together(freeze(system, each, self.drill.view) for each in started)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Request exports; inside, their work cannot end, where that is possible."""
        async with self._lock:
            if self.can_lock:
                await self._offer()
            yield

    async def catch_two(self) -> tuple[Sequence[Claim], Sequence[Claim]]:
        """Let the one that is stopped, then the living one run alone until it holds exports.

        Gives their claims. Both are frozen then. `Inconclusive` where one claims nothing.
        """
        if self.can_lock:
            stopped = await self._catch(self.stopped)
            if not any(each.state == QUEUED for each in await self.drill.view.live()):
                await self._offer()  # one worker takes all that there is
            return stopped, await self._catch(self.living)
        stopped, living = await self._catch_busy(self.stopped, self.living)
        return stopped, living

    async def catch_last(self) -> Sequence[Claim]:
        """Let the one that is to be killed run alone; give its claims. It is frozen then."""
        system = self.drill.own.system
        if self.can_lock:
            await system.pause(self.living)
            await self._wait_until_quiet(self.living)
            return await self._catch(self.killed)
        await freeze(system, self.living, self.drill.view)
        [claims] = await self._catch_busy(self.killed)
        return claims

    async def held(self, claims: Sequence[Claim]) -> Sequence[InProgress]:
        """Give those of the claims whose exports are still in progress at their attempts."""
        now = await self.drill.view.in_progress()
        return [each for each in now if (each.export_id, each.attempt) in claims]

    def why_none_kept(self) -> str:
        """Say why the living one had no export that it surely had to keep, and what would help."""
        stuck_s, target = self.drill.times.stuck_timeout_s, self.drill.target
        if self.frozen_s <= stuck_s:
            why = "its work had ended before the other one had"
            lock = "name the table of evidence, which work reads, in [catalog.tables]"
            return why if self.can_lock else f"{why}: {lock}"
        missing = [f"{{{name}}}" for name in _TIMES if not target.mentions(name)]
        return (
            f"it was frozen for {self.frozen_s:.1f} s, longer than the stuck timeout of "
            f"{stuck_s:g} s: "
            + (
                f"write {' and '.join(missing)} into [worker.environment]"
                if missing
                else "a longer [worker] stuck_timeout_s leaves time for it"
            )
        )

    async def signs_of_life(self, claims: Sequence[Claim]) -> Mapping[str, object]:
        """Give the last heartbeat of each of these exports that is still at its attempt."""
        held = await self.held(claims)
        if self.drill.view.shows_workers:
            return {each.export_id: each.heartbeat_at for each in held}
        shown = await self.drill.view.heartbeats("")
        return {each.export_id: shown.get(each.export_id) for each in held}

    def outside(self, claims: Sequence[Claim]) -> Outside:
        """Give who sees a worker that has no port: by the exports of these claims alone."""

        async def read(_: Instance) -> Mapping[str, object]:
            return await self.signs_of_life(claims)

        return ItsHeartbeats(read=read, interval_s=self.heartbeat_interval_s)

    @property
    def heartbeat_interval_s(self) -> float:
        """How often a worker gives a sign of life."""
        assert self.drill.target.worker is not None
        return self.drill.target.worker.heartbeat_interval_s

    async def silent_s(self, held: Sequence[InProgress], since: float) -> float:
        """Give for how long the worker of these has been silent, at most.

        `since` is when it was frozen, by our own clock.
        """
        if not self.drill.view.shows_workers:
            return time.monotonic() - since + LOOKED_BEFORE_S
        now = await self.drill.view.now()
        ages = [(now - each.heartbeat_at).total_seconds() for each in held if each.heartbeat_at]
        return max(ages, default=0.0)

    def lost_in_silence(self, observed: ExportFacts) -> set[Claim]:
        """Give the claims that were rightly taken back: on a busy machine a worker may be late."""
        silence = timedelta(seconds=self.drill.times.stuck_timeout_s)
        return {
            (step.export_id, step.old_attempt)
            for step in observed.transitions or ()
            if step.old_state == PREPARING
            and step.old_attempt is not None
            and step.heartbeat_at is not None
            and step.at >= step.heartbeat_at + silence
        }

    async def _offer(self) -> None:
        """Request exports while both are frozen, and lock what their work needs.

        A request may have to read what is locked.
        """
        await self._lock.aclose()
        await self.drill.backlog.grow(ORGANIZATIONS)
        table = self.drill.target.tenant_tables["evidence"]
        database = HarmedDatabase.of(self.drill.own.system)
        await self._lock.enter_async_context(self.drill.injected(hold_table(database, table)))

    async def _catch_busy(self, *workers: Instance) -> list[Sequence[Claim]]:
        parked = [ParkedWorker(worker=each) for each in workers]
        view = self.drill.view
        freezer = BusyWorkerFreezer(
            system=self.drill.own.system,
            workers=parked,
            backlog=self.drill.backlog,
            # By their names they cannot be told apart.
            view=replace(view, shows_workers=False) if isinstance(view, DatabaseView) else view,
            max_attempts=self.drill.target.limits.max_attempts,
        )
        claims = await freezer.freeze_busy()
        return [[claim for claim, owner in claims.items() if owner is each] for each in parked]

    async def _catch(self, worker: Instance) -> Sequence[Claim]:
        system = self.drill.own.system
        before = await self._claims()
        await system.resume(worker)

        async def holds() -> bool:
            return bool(await self._claims() - before)

        within_s = self.drill.target.pace.wait_s(HOLDS_WITHIN_S)
        what = f"{worker.name} to claim an export while others wait"
        await wait_until(holds, within_s, what, poll_s=_POLL_S, error=Inconclusive)
        await system.pause(worker)
        await self._wait_until_quiet(worker)
        return sorted(await self._claims() - before)

    async def _wait_until_quiet(self, worker: Instance) -> None:
        what = f"the database to end what {worker.name}, which is frozen, had sent"
        await wait_until(self._is_quiet, QUIET_WITHIN_S, what, poll_s=_POLL_S, error=Inconclusive)

    async def _claims(self) -> set[Claim]:
        return {(each.export_id, each.attempt) for each in await self.drill.view.in_progress()}

    async def _is_quiet(self) -> bool:
        row = await self.drill.own.control_database.fetch_one(_BUSY)
        return not row["n"]
