"""A worker wakes up after its exports were given to others, and goes on as if nothing had happened.

Two of them are frozen until after their stuck timeout. The first wakes while another worker is busy
with its exports, the second when all of them are done; both were about to commit. Where a target
has no failpoints, they are frozen somewhere at work, and wake when all is done.
"""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from chaos.drills.http_only import is_http_only
from chaos.drills.http_only_drills import http_only_pause
from chaos.drills.recovery import Recovery
from chaos.drills.recovery_timing import recovery_times
from chaos.drills.stale_workers import StaleWakeUp, context_switches, wait_until_running
from chaos.exports.backlog import Backlog
from chaos.exports.final_state import (
    broken_downloads,
    changes_between,
    database_now,
    orphans_of,
    snapshot_rows,
    wait_until_all_ended,
)
from chaos.faults.pause_worker import worker_paused
from chaos.workers.busy_worker_freezer import backlog_for, freeze_busy_workers
from chaos.workers.parked_workers import ParkedWorker, last_claims, start_parked, wait_until_parked
from harness.check import check
from harness.checkers import (
    ExportFacts,
    Orphan,
    RecoveryTimes,
    expect_no_violations,
    read_exports,
)
from harness.client import Samples, together
from harness.errors import Inconclusive
from harness.expect import expect
from harness.history import HistoryWriter
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target
from harness.vocabulary.exports import PREPARING, TERMINAL_STATES

BUSY_S = 0.7
"""How long the successor is at each export, so that the first zombie meets it at work."""

WORK_S = 10.0
"""How long all the work that is left may take once it can be taken up."""

_POLL_S = 0.02


@check(
    "chaos.worker-pause-zombie",
    "A worker that wakes up after losing its exports changes nothing about them",
    checklist="Verify that a stale worker cannot complete, fail or extend what it has lost",
    observes=2,
    needs={
        Capability.TENANTS,
        Capability.SPAWN,
        Capability.PAUSE,
    },
    deadline_s=90,
)
async def check_worker_pause_zombie(
    fresh_system: FreshSystem,
    target: Target,
    rng: random.Random,
    history: HistoryWriter,
    observe: Observations,
) -> None:
    if is_http_only(target):
        await http_only_pause(fresh_system, target, rng, history, observe)
        return
    times = recovery_times(target)
    async with fresh_system(api_instances=1, workers=0) as own:
        backlog = backlog_for(own, target, Samples(rng))
        first, second, disturbed = await workers_to_freeze(own, target, backlog, times)
        async with worker_paused(own.system, second.worker, history=history):
            async with worker_paused(own.system, first.worker, history=history):
                lost = await what_they_lose(own, target, (first, second))
                successor = await start_successor(own, target)
                recovery = Recovery(
                    orphans=[orphan for each in lost.values() for orphan in each],
                    times=times,
                    watched_from=await database_now(own.database),
                    cap=target.limits.per_org_in_progress,
                    disturbed=disturbed,
                )
                if successor.failpoint:
                    taken = await taken_over(own, target, lost[first.worker.name], recovery)
                else:
                    taken = {}
                    await all_done(own, target, recovery)
                before = await snapshot_rows(own.database, target)
                asleep, still_asleep_at = context_switches(first), await database_now(own.database)
            await wait_until_running(first, asleep)
            wake_up = StaleWakeUp(
                zombie=first,
                successor=successor,
                taken=taken,
                still_asleep_at=still_asleep_at,
                woken_at=await database_now(own.database),
            )
            if taken:
                observed = await all_done(own, target, recovery)
                expect_no_violations(wake_up.finished_by_zombie(observed), notes=recovery.notes)
                met = wake_up.met(observed)
                observe(len(met), what="exports whose old owner woke up beside the new one")
                before = await snapshot_rows(own.database, target)
            asleep = context_switches(second)
        await wait_until_running(second, asleep)
        # Time for whatever it does at once, and for the heartbeat that tells it the news.
        await asyncio.sleep(2 * heartbeat_interval_s(target))
        expect_unchanged(before, await snapshot_rows(own.database, target), second)
        observed = await read_exports(own.database, target)
        expect_no_violations(recovery.violations(observed), notes=recovery.notes)
        expect_no_violations(
            await broken_downloads(backlog.owners, backlog.owners), notes=recovery.notes
        )
        late = lost[second.worker.name] if taken else recovery.orphans
        observe(len(late), what="exports whose old owner woke up too late")


def heartbeat_interval_s(target: Target) -> float:
    """How often a worker gives a sign of life."""
    return target.worker.heartbeat_interval_s if target.worker else 0.0


async def workers_to_freeze(
    own: OwnSystem, target: Target, backlog: Backlog, times: RecoveryTimes
) -> tuple[ParkedWorker, ParkedWorker, frozenset[str]]:
    """Bring two workers to the point where all that is left to do is to commit.

    Gives the exports, too, that were caught by freezing them: one of the two may rightly have
    taken over what the other held.

    They sleep there for as long as the stuck timeout: still when they are frozen, no longer when
    they wake up, because nobody takes over from them any sooner.
    """
    if target.failpoints is None:
        started = await together(own.system.start("worker") for _ in range(2))
        first, second = (ParkedWorker(worker=each, failpoint=None, seconds=0) for each in started)
        caught = await freeze_busy_workers(own, (first, second), backlog, target, together=True)
        return first, second, frozenset(caught)
    preparing = asyncio.ensure_future(backlog.prepare(1))
    try:
        first, second = await together(
            start_parked(own.system, target.failpoints, "before_commit", times.stuck_timeout_s)
            for _ in range(2)
        )
    finally:
        await preparing
    await backlog.request()
    await wait_until_parked((first, second), backlog, own.database, target, until_full=False)
    return first, second, frozenset()


async def start_successor(own: OwnSystem, target: Target) -> ParkedWorker:
    """Start a healthy worker, one that takes its time where it can be told to."""
    if target.failpoints is None:
        return ParkedWorker(worker=await own.system.start("worker"), failpoint=None, seconds=0)
    return await start_parked(own.system, target.failpoints, "while_working", BUSY_S)


async def what_they_lose(
    own: OwnSystem, target: Target, zombies: Sequence[ParkedWorker]
) -> Mapping[str, Sequence[Orphan]]:
    """What each of the frozen workers holds. `Inconclusive` when one got rid of it in time."""
    described = {each.worker.name: f"SIGSTOP {each.where}" for each in zombies}
    orphans = await orphans_of(own.database, target, described)
    lost = {name: [orphan for orphan in orphans if orphan.worker == name] for name in described}
    for each in zombies:
        if not lost[each.worker.name]:
            raise Inconclusive(
                f"{each.worker.name} had committed all its exports before it could be frozen; it "
                f"sleeps {each.seconds:g} s {each.where}, which was not long enough"
            )
    return lost


async def taken_over(
    own: OwnSystem, target: Target, lost: Sequence[Orphan], recovery: Recovery
) -> Mapping[str, datetime]:
    """Wait until all exports are lost and another worker is at some; give the moment it got each.

    One that is not yet taken back could rightly be completed by whoever wakes up with it.
    Fails the check when they are not taken back in time.
    """
    zombie = lost[0].worker
    attempts = {orphan.export_id: orphan.attempt for orphan in lost}
    until = time.monotonic() + recovery.times.stuck_timeout_s + WORK_S
    while True:
        observed, now = (
            await read_exports(own.database, target),
            await database_now(own.database),
        )
        busy = {export.id for export in observed.exports if export.state == PREPARING}
        taken = {
            step.export_id: step.at
            for step in observed.watched()
            if step.is_claim
            and step.export_id in busy
            and step.new_attempt > attempts.get(step.export_id, step.new_attempt)
        }
        if taken and not last_claims(observed.watched())[zombie] & busy:
            return taken
        if recovery.is_overdue(observed, now):
            # What is missing at the end is beside the point: it was never taken up again.
            expect_no_violations(replace(recovery, orphans=lost).delays(observed))
        if time.monotonic() > until:
            raise Inconclusive(
                f"none of {len(lost)} exports that {zombie} held was seen in the hands of "
                "another worker, though all were taken back in time"
            )
        await asyncio.sleep(_POLL_S)


async def all_done(own: OwnSystem, target: Target, recovery: Recovery) -> ExportFacts:
    """Wait until nothing is live any more; fails where something should not have been for long.

    What somebody is still at changes by itself: nothing could be said of a zombie then.
    """
    within_s = recovery.times.stuck_timeout_s + recovery.times.sweep_interval_s + WORK_S
    observed = await wait_until_all_ended(
        own.database, target, within_s=within_s, is_hopeless=recovery.is_overdue
    )
    live = [export for export in observed.exports if export.state not in TERMINAL_STATES]
    if live:
        expect_no_violations(recovery.violations(observed), notes=recovery.notes)
        raise Inconclusive(
            f"{len(live)} exports were still live, and none had ended for {within_s:g} s"
        )
    return observed


def expect_unchanged(
    before: Mapping[str, Mapping[str, object]],
    after: Mapping[str, Mapping[str, object]],
    zombie: ParkedWorker,
) -> None:
    """Fail unless exports and ledger are, to the last column, as they were before it woke up."""
    changes = changes_between(before, after)
    expect(
        not changes,
        expected=f"nothing to change when {zombie.worker.name}, frozen {zombie.where}, wakes up "
        "after another worker completed all it had: its claim tokens are stale",
        got=changes[0] if changes else "",
        detail="\n".join(changes[1:8]),
    )
