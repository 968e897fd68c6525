"""Workers have one name, at once and one after the other: each has only what it claimed."""

import asyncio
import random
import time
from collections.abc import Collection, Mapping, Sequence

from chaos.drills.draining import LATE_S, can_lock
from chaos.drills.identity.namesakes import Namesakes, require_names
from chaos.drills.identity.registered_workers import registered_workers
from chaos.drills.worker_drill import END, end_violations, worker_drill
from chaos.exports.view import InProgress
from chaos.faults.kill_instances import kill_instances
from chaos.faults.pause_instance import pause_instance
from chaos.workers.busy_worker_freezer import Claim
from harness.check import check
from harness.checkers import Orphan
from harness.checkers.recovery import DRAIN, harmed_fields
from harness.errors import Inconclusive
from harness.expect import expect
from harness.findings.preconditions import as_subject
from harness.history import HistoryWriter
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target
from harness.vocabulary.exports import PREPARING, TERMINAL_STATES

GRACE_S = 1.0
"""The workers' grace, where the target file fills in `{drain_grace_s}`: one is frozen meanwhile."""

STUCK_TIMEOUT_S = 3.0
"""Longer than one of them is frozen while the other ends."""

STUCK_TIMEOUT_OVER_HTTP_S = 6.0
"""The same where it takes longer to see that a worker is frozen."""

BEATS = 2
"""After so many heartbeats a worker has surely sent one for all that it takes for its own."""

STOPPED = "one of a name gets SIGTERM"
KILLED = "one of a name is killed and started again"


async def stop_one(names: Namesakes) -> None:
    """SIGTERM to one at work: another one keeps its exports and its name.

    All others are frozen, not for as long as the stuck timeout: nobody else can claim.
    """
    drill, system = names.drill, names.drill.own.system
    _, names.claims = await names.catch_two()
    since = time.monotonic()
    pause = pause_instance(system, names.living, names.outside(names.claims))
    async with drill.injected(pause):
        await system.resume(names.stopped)
        held = await names.held(names.claims)
        registered = await registered_workers(drill)
        await stop(names)
        names.frozen_s = await names.silent_s(held, since)
        if names.frozen_s > drill.times.stuck_timeout_s:
            return  # it may have lost them rightly
        names.kept = [(each.export_id, each.attempt) for each in held]
        what = f"another one of its name got SIGTERM, and had {drill.grace_s:g} s"
        await expect_kept(names, names.kept, what)
        await expect_registered(names, registered)


async def kill_and_start_again(names: Namesakes) -> None:
    """Kill one at work and start it again under its name, while another one lives.

    What the dead one held must stay silent, and what the living one holds must stay its own.
    """
    drill, system, name = names.drill, names.drill.own.system, names.name
    dead = await names.catch_last()
    await system.resume(names.living)
    kill = kill_instances(system, [names.killed], outside=names.outside(dead))
    async with drill.injected(kill):
        held = await names.held(dead)
        before = await names.signs_of_life(dead)
    if not held:
        raise Inconclusive(f"{name} had no export in progress any more when it was killed")
    names.orphans = orphans_of(held, f"SIGKILL; then another process of the name {name} ran", name)
    # Before any change is looked at: what becomes of them counts from their last heartbeats.
    drill.looks.harmed(map(harmed_fields, names.orphans))
    drill.notes |= {each.export_id: f"{name} got SIGKILL with it" for each in held}
    await asyncio.sleep(BEATS * names.heartbeat_interval_s)  # what must not come
    expect_silent(names, before, await names.signs_of_life(dead))
    if names.can_lock:
        what = "another one of its name was killed and started again"
        await expect_kept(names, names.kept, what)


def orphans_of(held: Sequence[InProgress], where: str, worker: str) -> Sequence[Orphan]:
    """Give what a dead worker held as orphans."""
    return [
        Orphan(
            export_id=each.export_id,
            attempt=each.attempt,
            heartbeat_at=each.heartbeat_at,
            worker=worker,
            where=where,
        )
        for each in held
        if each.heartbeat_at is not None
    ]


def expect_silent(
    names: Namesakes, before: Mapping[str, object], after: Mapping[str, object]
) -> None:
    """Fail when an export of the dead worker got a heartbeat."""
    beaten = [each for each, sign in after.items() if sign != before.get(each, sign)]
    names.drill.judged.update(beaten)
    expect(
        not beaten,
        expected=f"no heartbeat of the {len(before)} exports that {names.name} held, which "
        "is dead, from another process of its name",
        got=f"export {beaten[0]}: {before[beaten[0]]} became {after[beaten[0]]}" if beaten else "",
        detail=f"seen {BEATS} heartbeat intervals after the other process was ready",
        rule="same-name.dead-stays-silent",
    )


async def expect_registered(names: Namesakes, before: Collection[str]) -> None:
    """Fail when the metrics do not name a worker any more that lives."""
    now = await registered_workers(names.drill)
    name = names.name
    expect(
        name in now or name not in before,
        expected=f"worker_heartbeat_age_seconds of {name}, of whose name a process lives",
        got=f"{sorted(now)}; before another one of its name got SIGTERM: {sorted(before)}",
        rule="same-name.stays-registered",
    )


async def stop(names: Namesakes) -> None:
    """SIGTERM to one, which is killed after its grace."""
    drill, name = names.drill, names.name
    drill.history.write("invoke", DRAIN, process=drill.process, worker=name)
    await drill.own.system.stop(names.stopped, drill.grace_s + LATE_S)
    drill.history.write("ok", DRAIN, process=drill.process, worker=name)


async def expect_kept(names: Namesakes, living: Sequence[Claim], what: str) -> None:
    """Fail when a living worker lost one of its exports."""
    kept = {each.export_id for each in await names.held(living)}
    observed = await names.drill.view.observed()
    silent = names.lost_in_silence(observed)
    lost = [each for each, attempt in living if each not in kept and (each, attempt) not in silent]
    names.drill.judged.update(lost)
    now = {each.id: each for each in observed.exports}
    expect(
        not lost,
        expected=f"{len(living)} exports of a worker to stay {PREPARING} at its attempt after "
        f"{what}: it lives, and its claim tokens are its own",
        got=f"{len(lost)} are not, such as {now[lost[0]].describe()}" if lost else "",
        rule="same-name.living-keeps",
    )


async def end_one_after_the_other(names: Namesakes, cells: Cells) -> None:
    """Stop one, then kill one and start it again."""
    async with cells.of(when=STOPPED):
        await stop_one(names)
    if not cells.findings:
        async with cells.of(when=KILLED):
            await kill_and_start_again(names)


async def judge_end(names: Namesakes) -> None:
    """Judge all exports when those that are left have ended them."""
    drill = names.drill
    drill.looks.harmed({"job": each} for each in drill.backlog.owners)
    drill.orphans = names.orphans
    await drill.begin_recovery()
    await drill.wait_until_ended()
    await drill.judge(await end_violations(drill), what=END)
    if drill.cells.findings:
        return
    if drill.looks.incomplete:
        raise Inconclusive("; ".join(drill.looks.incomplete))
    live = sum(each.state not in TERMINAL_STATES for each in drill.final.exports)
    if live:
        raise Inconclusive(f"{live} exports were still live at the end of the wait")
    if not names.kept:
        raise Inconclusive(
            "never seen: exports of a living worker while another one of its name ended; "
            + names.why_none_kept()
        )
    drill.observe(len(names.orphans), what="exports of a dead worker whose name another one had")
    drill.observe(len(names.kept), what="exports of a living worker while one of its name ended")


@check(
    "chaos.same-name",
    "Workers of one name are different workers",
    checklist="Verify that a restarted worker is not taken for the one before it",
    observes=2,
    needs=frozenset(
        {
            Capability.TENANTS,
            Capability.SPAWN,
            Capability.KILL,
            Capability.PAUSE,
            Capability.RESTART,
        }
    ),
    deadline_s=90,
)
async def check_same_name(
    fresh_system: FreshSystem,
    target: Target,
    rng: random.Random,
    history: HistoryWriter,
    observe: Observations,
    cells: Cells,
) -> None:
    """Give three workers one name; stop one, then kill one and start it again under it.

    What the third one holds stays its own, and its name stays in the metrics. The process that is
    started sends no heartbeat for what the dead one held, and neither gives back nor finishes it:
    that is taken back after the stuck timeout, at the next attempt. Each export is done once.
    """
    if target.worker is not None:
        require_names(target)
    has_claims = target.claim is not None
    seconds = STUCK_TIMEOUT_S if has_claims else STUCK_TIMEOUT_OVER_HTTP_S
    values = {"drain_grace_s": f"{GRACE_S:g}", "stuck_timeout_s": f"{seconds:g}"}
    async with worker_drill(
        fresh_system, target, rng, history, observe, cells, values=values
    ) as drill:
        names = Namesakes(drill=drill, can_lock=await can_lock(drill))
        await names.start()
        with as_subject():
            async with names.at_work():
                await end_one_after_the_other(names, cells)
            await judge_end(names)
