"""A worker wakes up after its exports were given to others, and goes on as if nothing had happened.

Two of them are frozen until after their stuck timeout. The first wakes while another worker is busy
with its exports, the second when all of them are done; both were about to commit. Where a target
has no failpoints, they are frozen somewhere at work, and wake when all is done.
"""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import psutil

from chaos.aftermath import (
    changes_between,
    damages_of,
    everything_in,
    now_of,
    orphans_of,
    settled,
)
from chaos.ambush import caught_at_work
from chaos.backlog import Backlog
from chaos.faults.pause_worker import worker_paused
from chaos.posts import Post, all_at_their_posts, post
from chaos.promises import recovery_times
from harness.check import check
from harness.checkers import (
    Observed,
    Orphan,
    RecoveryTimes,
    Violation,
    exactly_once,
    expect_no_violations,
    never_stolen,
    observe_exports,
    reclaimed_in_time,
)
from harness.checkers.facts import IN_PROGRESS, READY
from harness.client import Samples, together
from harness.errors import Inconclusive
from harness.expect import expect
from harness.history import HistoryWriter
from harness.plugin.execution import Observations
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.target import Capability, Target

BUSY_S = 0.7
"""How long the successor is at each export, so that the first zombie meets it at work."""

PRECISION = 0.9
"""The part of a sleep that surely has passed when it ends: its clock is not the database's."""

WORK_S = 10.0
"""How long all the work that is left may take once it can be taken up."""

AWAKE_DEADLINE_S = 5.0
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
        Capability.DATABASE,
        Capability.DATABASE_CONTROL,
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
    times = recovery_times(target)
    async with fresh_system(api_instances=1, workers=0) as own:
        backlog = Backlog(own.organisations, Samples(rng))
        first, second = await future_zombies(own, target, backlog, times)
        async with worker_paused(own.system, second.worker, history=history):
            async with worker_paused(own.system, first.worker, history=history):
                lost = await what_they_lose(own, target, (first, second))
                successor = await start_successor(own, target)
                watched_from = await now_of(own.database)
                if successor.failpoint:
                    taken = await taken_over(own, target, lost[first.worker.name], first, times)
                else:
                    taken = {}
                    await all_done(own, target, times)
                before = await everything_in(own.database, target)
                asleep, still_asleep_at = switches(first), await now_of(own.database)
            woken_at = await now_of(own.database)
            await until_awake(first, asleep)
            observed = await all_done(own, target, times)
            if successor.failpoint:
                expect_no_violations(
                    finished_by_another(observed, taken, successor, first, woken_at)
                )
                met = met_at_work(observed, taken, still_asleep_at)
                observe(len(met), what="exports whose old owner woke up beside the new one")
                before = await everything_in(own.database, target)
            asleep = switches(second)
        await until_awake(second, asleep)
        # Time for whatever it does at once, and for the heartbeat that tells it the news.
        await asyncio.sleep(2 * heartbeat_interval_s(target))
        changes = changes_between(before, await everything_in(own.database, target))
        expect(
            not changes,
            expected=f"nothing to change when {second.worker.name}, frozen {second.where}, wakes "
            "up after another worker completed all it had: its claim tokens are stale",
            came=changes[0] if changes else "",
            detail="\n".join(changes[1:8]),
        )
        orphans = [orphan for each in lost.values() for orphan in each]
        judge(await observe_exports(own.database, target), orphans, times, watched_from)
        expect_no_violations(await damages_of(backlog.owners, backlog.owners))
        late = lost[second.worker.name] if successor.failpoint else orphans
        observe(len(late), what="exports whose old owner woke up too late")


def heartbeat_interval_s(target: Target) -> float:
    """How often a worker gives a sign of life."""
    return target.worker.heartbeat_interval_s if target.worker else 0.0


async def future_zombies(
    own: OwnSystem, target: Target, backlog: Backlog, times: RecoveryTimes
) -> tuple[Post, Post]:
    """Bring two workers to the point where all that is left to do is to commit.

    They sleep there as long as a heartbeat lasts: still now, no longer when they wake up.
    """
    if target.failpoints is None:
        started = await together(own.system.start("worker") for _ in range(2))
        first, second = (Post(worker=each, failpoint=None, seconds=0) for each in started)
        await caught_at_work(own.system, (first, second), backlog, own.database, target)
        return first, second
    first, second = await together(
        post(own.system, target.failpoints, "before_commit", times.stuck_timeout_s)
        for _ in range(2)
    )
    await backlog.grow(1)
    await all_at_their_posts((first, second), backlog, own.database, target, until_full=False)
    return first, second


async def start_successor(own: OwnSystem, target: Target) -> Post:
    """Start a healthy worker, one that takes its time where it can be told to."""
    if target.failpoints is None:
        return Post(worker=await own.system.start("worker"), failpoint=None, seconds=0)
    return await post(own.system, target.failpoints, "while_working", BUSY_S)


async def all_done(own: OwnSystem, target: Target, times: RecoveryTimes) -> Observed:
    """Wait until nothing is live any more, or should not have been for long."""
    patience_s = times.stuck_timeout_s + times.sweep_interval_s + WORK_S
    return await settled(own.database, target, within_s=patience_s, is_hopeless=lambda _, __: False)


async def what_they_lose(
    own: OwnSystem, target: Target, zombies: Sequence[Post]
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
    own: OwnSystem,
    target: Target,
    lost: Sequence[Orphan],
    zombie: Post,
    times: RecoveryTimes,
) -> Mapping[str, datetime]:
    """Wait until another worker is at some of the zombie's exports; give the moment it got each."""
    wait_s = times.stuck_timeout_s + times.sweep_interval_s + times.slack_s
    until = time.monotonic() + wait_s
    wanted = {orphan.export_id for orphan in lost}
    while True:
        observed = await observe_exports(own.database, target)
        busy = {export.id for export in observed.exports if export.state == IN_PROGRESS}
        taken = {
            step.export_id: step.at
            for step in observed.watched()
            if step.is_claim
            and step.export_id in wanted & busy
            and step.new_claimed_by != zombie.worker.name
        }
        if taken:
            return taken
        if time.monotonic() > until:
            # Why, the checker of recovery can tell; if it is content, the drill is not.
            expect_no_violations(
                reclaimed_in_time(
                    lost, observed.watched(), times, watched_from=await now_of(own.database)
                )
            )
            raise Inconclusive(
                f"none of the {len(wanted)} exports of {zombie.worker.name} was seen in the hands "
                f"of another worker within {wait_s:g} s"
            )
        await asyncio.sleep(_POLL_S)


def switches(zombie: Post) -> int:
    """How often the worker's process has gone to wait for something: it rises while it runs."""
    count: int = psutil.Process(zombie.worker.pid).num_ctx_switches().voluntary
    return count


async def until_awake(zombie: Post, before: int) -> None:
    """Wait until the worker really runs again; `Inconclusive` when it does not."""
    until = time.monotonic() + AWAKE_DEADLINE_S
    while switches(zombie) <= before:
        if time.monotonic() > until:
            raise Inconclusive(
                f"{zombie.worker.name} did nothing in {AWAKE_DEADLINE_S:g} s after SIGCONT"
            )
        await asyncio.sleep(_POLL_S)


def finished_by_another(
    observed: Observed,
    taken: Mapping[str, datetime],
    successor: Post,
    zombie: Post,
    woken_at: datetime,
) -> list[Violation]:
    """Give each export that was finished while its only owner was asleep over it."""
    busy = timedelta(seconds=successor.seconds * PRECISION)
    return [
        Violation(
            rule="finished-by-zombie",
            subject=step.export_id,
            expected=f"export {step.export_id} not to be ready before its owner "
            f"{step.old_claimed_by} (attempt {step.old_attempt}) is through with it, which claimed "
            f"it at {taken[step.export_id]:%H:%M:%S.%f} and sleeps {successor.seconds:g} s "
            f"{successor.where}",
            came=f"{step.describe()}: {zombie.worker.name}, whose claim is stale, had woken up "
            f"{zombie.where} at about {woken_at:%H:%M:%S.%f}",
        )
        for step in observed.watched()
        if step.new_state == READY
        and step.export_id in taken
        and step.at < taken[step.export_id] + busy
    ]


def met_at_work(
    observed: Observed, taken: Mapping[str, datetime], still_asleep_at: datetime
) -> set[str]:
    """Which exports were not finished before the zombie woke; `Inconclusive` when all were."""
    met = {
        step.export_id
        for step in observed.watched()
        if step.new_state == READY and step.export_id in taken and step.at > still_asleep_at
    }
    if not met:
        raise Inconclusive(
            f"the successor was done with all {len(taken)} exports before the zombie woke up at "
            f"{still_asleep_at:%H:%M:%S.%f}: they did not meet"
        )
    return met


def judge(
    observed: Observed,
    orphans: Sequence[Orphan],
    times: RecoveryTimes,
    watched_from: datetime,
) -> None:
    """Fail unless everything came back in time and was done once, whoever woke up when."""
    transitions = observed.watched()
    notes = {orphan.export_id: f"{orphan.worker} got {orphan.where}" for orphan in orphans}
    expect_no_violations(reclaimed_in_time(orphans, transitions, times, watched_from=watched_from))
    expect_no_violations(never_stolen(transitions, times.stuck_timeout_s), notes=notes)
    expect_no_violations(
        exactly_once(
            [export.id for export in observed.exports],
            observed.exports,
            observed.completions,
            transitions,
            harmed=set(notes),
        ),
        notes=notes,
    )
    attempts = {export.id: export.attempt for export in observed.exports}
    for orphan in orphans:
        expect(
            attempts[orphan.export_id] == orphan.attempt + 1,
            expected=f"{orphan.describe()} to need one more attempt, {orphan.attempt + 1}",
            came=f"attempt {attempts[orphan.export_id]}",
        )
