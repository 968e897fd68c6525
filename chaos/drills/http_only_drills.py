"""The drills of killed and of frozen workers, seen over HTTP alone."""

import asyncio
import random

from chaos.drills.http_only import (
    EVIDENCE_BYTES,
    FIRST_ORGANIZATIONS,
    Drill,
    differences,
    names_of,
)
from chaos.drills.recovery_timing import recovery_times
from chaos.drills.stale_workers import context_switches, wait_until_running
from chaos.exports.backlog import Backlog
from chaos.faults.kill_worker import heal, workers_killed
from chaos.faults.pause_worker import worker_paused
from chaos.workers.parked_workers import ParkedWorker
from harness.checkers import expect_no_violations
from harness.client import Samples, together
from harness.expect import expect
from harness.history import HistoryWriter
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.plugin.observations import Observations
from harness.system import Instance
from harness.target import Target

ENOUGH = 6
"""Exports whose worker was killed."""

VICTIMS = 6
HEALTHY_WORKERS = 2


async def http_only_kill(
    fresh_system: FreshSystem,
    target: Target,
    rng: random.Random,
    history: HistoryWriter,
    observe: Observations,
) -> None:
    """Fail unless exports whose workers were killed come to one end, by another attempt."""
    async with fresh_system(api_instances=1, workers=0) as own:
        drill = await drill_of(own, target, rng)
        victims = await frozen_workers(drill, VICTIMS)
        await drill.backlog.grow(FIRST_ORGANIZATIONS)
        killed: set[tuple[str, int]] = set()
        while victims and len(killed) < ENOUGH:
            victim = victims.pop()
            caught = await drill.catch(victim)
            async with workers_killed(own.system, [victim], history=history, replacements=0):
                killed |= {(name, export["attempt"]) for name, export in caught.items()}
        orphans = await drill.held()
        # Whoever was not needed as a victim is as healthy as those that are new.
        await together(own.system.resume(each) for each in victims)
        await heal(own.system, HEALTHY_WORKERS)
        shown = await drill.until_done()
        # Killed one after the other: who came later may have taken over from who was dead by then.
        expect_no_violations(
            await drill.violations(shown, orphans, harmed=drill.backlog.owners),
            notes={name: "its worker was killed at it" for name, _ in killed},
            detail=f"within {drill.within_s:g} s from the start of {HEALTHY_WORKERS} workers on",
        )
        observe(len(killed), what="exports whose worker was killed")


async def drill_of(own: OwnSystem, target: Target, rng: random.Random) -> Drill:
    """A drill whose exports take a moment."""
    backlog = Backlog(own.organizations, Samples(rng), evidence_bytes=EVIDENCE_BYTES)
    times, limits = recovery_times(target), target.limits
    return Drill(
        own=own,
        backlog=backlog,
        times=times,
        max_attempts=limits.max_attempts,
        bystander=await own.organizations.new("bystander"),
    )


async def frozen_workers(drill: Drill, count: int) -> list[Instance]:
    """Start workers while there is nothing to do, and freeze them."""
    workers = await together(drill.own.system.start("worker") for _ in range(count))
    for each in workers:
        await drill.freeze(each)
    return workers


async def http_only_pause(
    fresh_system: FreshSystem,
    target: Target,
    rng: random.Random,
    history: HistoryWriter,
    observe: Observations,
) -> None:
    """Fail when a worker that wakes up too late changes anything that the API tells."""
    async with fresh_system(api_instances=1, workers=0) as own:
        drill = await drill_of(own, target, rng)
        zombies = await frozen_workers(drill, 2)
        await drill.backlog.grow(FIRST_ORGANIZATIONS)
        asleep_with: set[tuple[str, int]] = set()
        for zombie in zombies:
            caught = await drill.catch(zombie)
            asleep_with |= {(name, export["attempt"]) for name, export in caught.items()}
        lost = await drill.held()
        first, second = (ParkedWorker(worker=each, failpoint=None, seconds=0) for each in zombies)
        async with (
            worker_paused(own.system, first.worker, history=history),
            worker_paused(own.system, second.worker, history=history),
        ):
            await own.system.start("worker")
            shown = await drill.until_done()
            expect_no_violations(await drill.violations(shown, lost, harmed=drill.backlog.owners))
            before = await drill.told()
            asleep = [context_switches(each) for each in (first, second)]
        for zombie_post, count in zip((first, second), asleep, strict=True):
            await wait_until_running(zombie_post, count)
        # Time for whatever they do at once, and for the heartbeat that tells them the news.
        await asyncio.sleep(drill.times.stuck_timeout_s)
        changes = differences(before, await drill.told())
        expect(
            not changes,
            expected=f"nothing to change when {names_of(zombies)}, frozen at work, wake up after "
            "another worker completed all they had: their claim tokens are stale",
            got=changes[0] if changes else "",
            detail="\n".join(changes[1:8]),
        )
        observe(len(asleep_with), what="exports whose old owner woke up too late")
