"""What drills on workers share: a system of their own, its exports, and how they look at them."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from chaos.drills.drill import DrillContext
from chaos.drills.recovery import Recovery
from chaos.drills.recovery_timing import recovery_times, with_own_times
from chaos.exports.backlog import Backlog
from chaos.exports.database_view import DatabaseView
from chaos.exports.final_state import read_downloads
from chaos.exports.http_view import UNKNOWN_WORKER, HttpView
from chaos.exports.view import View
from chaos.faults.outside import ItsHeartbeats, Outside
from chaos.workers.busy_worker_freezer import FREEZE_DEADLINE_S, BusyWorkerFreezer, Claim
from chaos.workers.parked_workers import ParkedWorker, start_parked, wait_until_parked
from harness.checkers import (
    ExportFacts,
    Orphan,
    RecoveryTimes,
    Transition,
    Violation,
    download_fields,
    read_chains,
)
from harness.checkers.fold import microseconds
from harness.checkers.recovery import promise_fields
from harness.client import Samples, together
from harness.errors import Inconclusive
from harness.history import HistoryWriter
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.plugin.observations import Observations
from harness.postgres.server import connect
from harness.system import Instance
from harness.system.instrument import observe_leases_of
from harness.target import Capability, Target
from harness.target.tables.models import Failpoints
from harness.vocabulary.exports import READY

MB = 1024 * 1024

DATABASE_EVIDENCE_BYTES = 4 * MB
"""Of each proof pack where workers are frozen at work: it takes long enough to be seen."""

HTTP_EVIDENCE_BYTES = 10 * MB
"""The same over HTTP, where it takes longer to see it."""


@dataclass(kw_only=True)
class WorkerDrill(DrillContext):
    """A system that begins without workers, and what its drill finds out."""

    own: OwnSystem
    target: Target
    times: RecoveryTimes
    backlog: Backlog
    view: View
    victims: Sequence[ParkedWorker] = ()
    held: Mapping[Claim, ParkedWorker] = field(default_factory=dict)
    """The claims of workers when they were parked or frozen."""
    orphans: Sequence[Orphan] = ()
    """What the victims held when the faults took hold."""
    recovery: Recovery = field(init=False)
    seen: ExportFacts | None = None
    """What was read last, before the end."""

    @property
    def own_system(self) -> OwnSystem:
        """The system of this drill."""
        return self.own

    @property
    def grace_s(self) -> float:
        """Within how many seconds a worker of this system ends by itself after SIGTERM."""
        assert self.target.worker is not None
        return self.target.worker.grace_s

    @property
    def final(self) -> ExportFacts:
        """The state in the end; read by `wait_until_ended`."""
        assert self.seen is not None
        return self.seen

    @property
    def transitions(self) -> Sequence[Transition]:
        """The changes of exports up to the last look at them."""
        return self.seen.transitions or () if self.seen else ()

    @property
    def failpoints(self) -> Failpoints | None:
        """The failpoints at which workers are parked. None: they are frozen at work."""
        return self.target.failpoints if self.view.shows_workers else None

    async def park(
        self, wanted: Sequence[tuple[str, float]], *, organizations: int, until_full: bool
    ) -> None:
        """Start workers that stop at these failpoints, for so long, with exports in progress."""
        assert self.failpoints is not None
        preparing = asyncio.ensure_future(self.backlog.prepare(organizations))
        try:
            self.victims = await together(
                start_parked(self.own.system, self.failpoints, name, seconds)
                for name, seconds in wanted
            )
        finally:
            await preparing
        # Only now: they all claim at the same time, and are still busy when recovery begins.
        await self.backlog.request()
        held = await wait_until_parked(
            self.victims, self.backlog, self.own.database, self.target, until_full=until_full
        )
        self.held = {(export_id, 1): each for export_id, each in held.items()}

    async def freeze_busy(
        self, count: int, *, enough: int | None = None, at_once: bool = False
    ) -> None:
        """Start workers and freeze them while they hold exports; `at_once`: all at the end."""
        if Capability.PAUSE not in self.target.capabilities():
            raise Inconclusive(
                "this target has neither failpoints nor a way to pause a worker: it is unknown "
                "whether a worker was at work when it was killed"
            )
        started = await together(self.own.system.start("worker") for _ in range(count))
        killed = self.victims
        self.victims = [ParkedWorker(worker=each) for each in started]
        freezer = BusyWorkerFreezer(
            system=self.own.system,
            workers=self.victims,
            backlog=self.backlog,
            view=self.view,
            max_attempts=self.target.limits.max_attempts,
            killed=killed,
            deadline_s=self.target.pace.wait_s(FREEZE_DEADLINE_S),
        )
        at_once = at_once and self.view.shows_workers
        self.held = await freezer.freeze_busy(at_once=at_once, enough=enough)

    @property
    def outside(self) -> Outside:
        """Who sees a worker that has no port: the exports that it holds have no new heartbeat."""

        async def read(worker: Instance) -> Mapping[str, object]:
            return await self.view.heartbeats(worker.name)

        assert self.target.worker is not None
        return ItsHeartbeats(read=read, interval_s=self.target.worker.heartbeat_interval_s)

    async def find_orphans(self, fault: str) -> None:
        """Note what the victims hold now that `fault` has hit them."""
        described = {each.worker.name: f"{fault} {each.where}" for each in self.victims}
        described[UNKNOWN_WORKER] = f"{fault} at work"
        self.orphans = [
            Orphan(
                export_id=each.export_id,
                attempt=each.attempt,
                heartbeat_at=each.heartbeat_at,
                worker=each.worker,
                where=described[each.worker],
            )
            for each in await self.view.in_progress()
            if each.worker in described and each.heartbeat_at is not None
        ]

    async def begin_recovery(self) -> None:
        """Note that from now on there is a worker that can take the orphans back."""
        disturbed = {export_id for export_id, _ in self.held} if not self.failpoints else set()
        self.recovery = Recovery(
            orphans=self.orphans,
            times=self.times,
            watched_from=await self._now(),
            disturbed=disturbed if self.view.shows_workers else self.backlog.owners,
        )
        self.notes |= self.recovery.notes
        for kind, fields in self.recovery.entries():
            self.history.append(kind, **fields)

    async def _now(self) -> datetime:
        """Give the time of what is observed, and note it beside our own clocks."""
        asked_ns = time.monotonic_ns()
        now = await self.view.now()
        self.history.clock(microseconds(now), asked_ns=asked_ns)
        return now

    async def wait_until_ended(self) -> None:
        """Wait until every export has ended, or can no longer end in time."""
        self.seen = await self.view.wait_until_ended(self.times, self.recovery.is_overdue)

    async def look(self, seen: ExportFacts, *, downloads: bool = False) -> None:
        """Write what was seen into the history; also the `downloads` of what is ready."""
        self.looks.exports(seen)
        if self.view.shows_workers and self.own.reading is not None:
            self.looks.chains(await read_chains(self.own.reading, self.target))
        if downloads:
            ready = [export.id for export in seen.exports if export.state == READY]
            for each in await read_downloads(ready, self.backlog.owners):
                self.looks.download(download_fields(each))


def shows_claims(target: Target) -> bool:
    """Whether the database shows which worker holds an export, at which attempt."""
    claim = target.claim
    return (
        claim is not None
        and bool(claim.column("claimed_by") and claim.column("attempt"))
        and target.ledger is not None
        and target.database.instrument
        and Capability.DATABASE_CONTROL in target.capabilities()
    )


@asynccontextmanager
async def worker_drill(
    fresh_system: FreshSystem,
    target: Target,
    rng: Random,
    history: HistoryWriter,
    observe: Observations,
    cells: Cells,
    values: Mapping[str, str] | None = None,
    *,
    api_instances: int = 1,
    proxied: bool = False,
    own_server: bool = False,
    storage_bytes: int | None = None,
) -> AsyncIterator[WorkerDrill]:
    """Bring up a system with one API instance (or so many) and no worker, for one drill.

    `values` are placeholders of the target file that mean something else in this system; for the
    other keywords see `fresh_system`.
    """
    target = with_own_times(target, values or {})
    times = recovery_times(target)
    http_only = not shows_claims(target)
    wanted = HTTP_EVIDENCE_BYTES if http_only else DATABASE_EVIDENCE_BYTES
    is_small = target.failpoints is not None and not http_only
    evidence_bytes = None if is_small else min(wanted, target.limits.max_upload_bytes)
    async with fresh_system(
        api_instances=api_instances,
        workers=0,
        values=values,
        proxied=proxied,
        own_server=own_server,
        storage_bytes=storage_bytes,
    ) as own:
        if own.system.control_url and not http_only:
            async with connect(own.system.control_url) as connection:
                await observe_leases_of(connection, target)
        backlog = Backlog(
            organizations=own.organizations,
            samples=Samples(rng),
            evidence_bytes=evidence_bytes,
            history=history,
        )
        view: View = DatabaseView(own=own, target=target)
        if http_only:
            bystander = await own.organizations.new("bystander")
            view = HttpView(backlog=backlog, times=times, bystander=bystander, pace=target.pace)
        drill = WorkerDrill(
            journal=own.system.journal,
            offered=target.capabilities(),
            history=history,
            observe=observe,
            cells=cells,
            own=own,
            target=target,
            times=times,
            backlog=backlog,
            view=view,
        )
        drill.looks.promise(
            cap=target.limits.per_org_in_progress,
            max_attempts=target.limits.max_attempts,
            **promise_fields(times),
        )
        yield drill


END = "exports in the end"
"""The cell in which a drill judges its end."""


async def end_violations(drill: WorkerDrill) -> Sequence[Violation]:
    """Judge the final state, what downloads, and how the orphans got there."""
    await drill.look(drill.final, downloads=True)
    return drill.looks.judge(END, ended=True, whole=True)
