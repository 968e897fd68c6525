"""Workers die without a word, at every edge of an export's life, and nothing is lost by it."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chaos.drills.http_only import is_http_only
from chaos.drills.http_only_drills import http_only_kill
from chaos.drills.recovery import Recovery
from chaos.drills.recovery_timing import recovery_times
from chaos.exports.backlog import Backlog
from chaos.exports.final_state import (
    broken_downloads,
    database_now,
    orphans_of,
    wait_until_all_ended,
)
from chaos.faults.kill_worker import workers_killed
from chaos.workers.busy_worker_freezer import backlog_for, freeze_busy_workers
from chaos.workers.parked_workers import ParkedWorker, start_parked, wait_until_parked
from harness.check import check
from harness.checkers import (
    ExportFacts,
    Orphan,
    RecoveryTimes,
    exactly_once,
    expect_no_violations,
    read_exports,
)
from harness.client import Samples, together
from harness.errors import Inconclusive
from harness.history import HistoryWriter
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target
from harness.vocabulary.exports import READY

UNTIL_KILLED_S = 60.0
"""How long a doomed worker sleeps at its failpoint: it does not get to see the end of it."""

LONGER_S = 0.7
"""How much longer the long export takes than recovery: its worker has no place for the others'."""

WORK_S = 10.0
"""How long all the work that is left may take once it can be taken up."""

HEALTHY_WORKERS = 2
VICTIMS_WITHOUT_FAILPOINTS = 6
FIRST_ORGANIZATIONS = 10


@check(
    "chaos.worker-kill",
    "Workers killed at each edge of an export's life lose nothing, double nothing, delay little",
    checklist="Verify recovery after a worker is killed (SIGKILL) in the middle of an export",
    observes=6,
    needs={
        Capability.TENANTS,
        Capability.SPAWN,
        Capability.KILL,
    },
    deadline_s=90,
)
async def check_worker_kill(
    fresh_system: FreshSystem,
    target: Target,
    rng: random.Random,
    history: HistoryWriter,
    observe: Observations,
) -> None:
    if is_http_only(target):
        await http_only_kill(fresh_system, target, rng, history, observe)
        return
    times = recovery_times(target)
    async with fresh_system(api_instances=1, workers=0) as own:
        backlog = backlog_for(own, target, Samples(rng))
        parked = await hold_exports(own, target, backlog)
        await expect_ready_means_stored(own, target, backlog, parked)
        async with workers_killed(
            own.system,
            [each.worker for each in parked.doomed],
            history=history,
            replacements=HEALTHY_WORKERS,
        ):
            orphans = await orphans_of_killed(own, target, parked)
        recovery = Recovery(
            orphans=orphans,
            times=times,
            watched_from=await database_now(own.database),
            cap=target.limits.per_org_in_progress,
            disturbed=parked.disturbed,
        )
        observed = await wait_until_all_ended(
            own.database,
            target,
            within_s=times.stuck_timeout_s + times.sweep_interval_s + WORK_S,
            is_hopeless=recovery.is_overdue,
        )
        expect_no_violations(
            recovery.violations(observed),
            notes=parked.notes | recovery.notes,
            detail=f"healthy workers ran from {recovery.watched_from:%H:%M:%S.%f} on, by the "
            "database's clock",
        )
        expect_no_violations(
            await broken_downloads([each.id for each in observed.exports], backlog.owners),
            notes=parked.notes,
        )
        expect_outlived(parked, observed, times)
        doomed = {each.worker.name for each in parked.doomed}
        killed = [each for each in parked.held.values() if each.worker.name in doomed]
        observe(len(killed), what="exports whose worker was killed")


@dataclass(frozen=True, kw_only=True)
class ParkedWorkers:
    """Workers that hold exports."""

    doomed: Sequence[ParkedWorker]
    long: ParkedWorker | None
    """A healthy worker at something that takes longer than the stuck timeout."""
    held: Mapping[str, ParkedWorker]
    """Where each claimed export is held."""

    @property
    def disturbed(self) -> frozenset[str]:
        """The exports that were caught, one after the other, by freezing workers."""
        return frozenset(name for name, each in self.held.items() if each.failpoint is None)

    @property
    def notes(self) -> dict[str, str]:
        """Where each export was when its worker was killed, or was not, for messages."""
        return {
            export_id: f"{each.worker.name} was {each.where} with it"
            + (", alive" if each is self.long else "")
            for export_id, each in self.held.items()
        }


async def hold_exports(own: OwnSystem, target: Target, backlog: Backlog) -> ParkedWorkers:
    """Bring workers to the point where each holds exports."""
    if target.failpoints is None:
        return await _anywhere(own, target, backlog)
    return await _at_failpoints(own, target, backlog)


async def _at_failpoints(own: OwnSystem, target: Target, backlog: Backlog) -> ParkedWorkers:
    failpoints, worker = target.failpoints, target.worker
    assert failpoints is not None
    assert worker is not None
    long_s = worker.stuck_timeout_s + 2 * worker.sweep_interval_s + LONGER_S
    wanted = [(name, UNTIL_KILLED_S) for name in failpoints.names]
    if "while_working" in failpoints.names:
        wanted.append(("while_working", long_s))
    preparing = asyncio.ensure_future(backlog.prepare(FIRST_ORGANIZATIONS))
    try:
        workers = await together(
            start_parked(own.system, failpoints, name, seconds) for name, seconds in wanted
        )
    finally:
        await preparing
    # Only now: they all claim at the same time, and are still busy when the exports of the dead
    # are to be taken back.
    await backlog.request()
    held = await wait_until_parked(workers, backlog, own.database, target, until_full=True)
    count = len(failpoints.names)
    return ParkedWorkers(doomed=workers[:count], long=next(iter(workers[count:]), None), held=held)


async def _anywhere(own: OwnSystem, target: Target, backlog: Backlog) -> ParkedWorkers:
    started = await together(own.system.start("worker") for _ in range(VICTIMS_WITHOUT_FAILPOINTS))
    workers = [ParkedWorker(worker=each, failpoint=None, seconds=0) for each in started]
    held = await freeze_busy_workers(own, workers, backlog, target, together=False)
    return ParkedWorkers(doomed=workers, long=None, held=held)


async def expect_ready_means_stored(
    own: OwnSystem, target: Target, backlog: Backlog, parked: ParkedWorkers
) -> None:
    """Fail unless whatever the database calls ready can be downloaded, at this very moment.

    Workers stand before and after they store their objects: who says `ready` too early is seen.
    """
    observed = await read_exports(own.database, target)
    ready = [export.id for export in observed.exports if export.state == READY]
    expect_no_violations(await broken_downloads(ready, backlog.owners), notes=parked.notes)


async def orphans_of_killed(own: OwnSystem, target: Target, parked: ParkedWorkers) -> list[Orphan]:
    """Say what the dead held. Fail where state and ledger tell different stories now.

    `Inconclusive` when they held nothing.
    """
    described = {each.worker.name: f"SIGKILL {each.where}" for each in parked.doomed}
    observed = await read_exports(own.database, target)
    # Nobody is left who could still write the other half.
    expect_no_violations(
        exactly_once([], observed.exports, observed.completions, observed.watched()),
        notes=parked.notes,
        detail=f"seen when {', '.join(described)} were dead, before healthy workers were started",
    )
    orphans = await orphans_of(own.database, target, described)
    if not orphans:
        raise Inconclusive(
            f"{len(described)} workers were killed, and none had an export in progress"
        )
    return orphans


def expect_outlived(parked: ParkedWorkers, observed: ExportFacts, times: RecoveryTimes) -> None:
    """Leave the question open unless a healthy export did take longer than the stuck timeout."""
    if parked.long is None:
        return
    name = parked.long.worker.name
    claimed = {
        step.export_id: step.at
        for step in observed.watched()
        if step.is_claim and step.new_claimed_by == name
    }
    took = [
        (step.at - claimed[step.export_id]).total_seconds()
        for step in observed.watched()
        if step.new_state == READY and step.export_id in claimed
    ]
    if max(took, default=0) <= times.stuck_timeout_s:
        raise Inconclusive(
            f"no export of {name} took longer than the stuck timeout ({times.stuck_timeout_s:g} s) "
            f"though it slept {parked.long.seconds:g} s {parked.long.where}: "
            f"{[f'{seconds:.2f} s' for seconds in took]}"
        )
