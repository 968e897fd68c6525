"""What one worker gives back or loses is taken up by idle ones; so is what nobody notifies of."""

import random
from contextlib import AsyncExitStack

from chaos.drills.slow_work import refuse_unseen_claims, table_to_lock
from chaos.drills.waking.freed_places import wake_at_a_freed_place
from chaos.drills.waking.turns import Promptness, Waking, waking_drill
from chaos.faults.kill_instances import kill_instances
from harness.check import check
from harness.client import together
from harness.errors import Inconclusive
from harness.findings.preconditions import as_subject
from harness.history import HistoryWriter
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.system import Instance
from harness.target import Capability, Target

WAITED = (
    "an idle worker waited for the table that this drill locks to hold work up, so what a killed "
    "worker loses was not looked at; [worker] work_table names another one that work reads"
)

SHORT_POLL_S = 1.0
"""The poll interval of the worker that loses its connection for notifications."""


async def wake_by_workers(waking: Waking, cells: Cells) -> Instance:
    """Let exports come back from a worker that is stopped and from one that is killed.

    Gives the worker that is left.
    """
    drill = waking.drill
    owner, job_id, _ = await drill.backlog.job_with_evidence()
    exports = {await drill.backlog.request_one(owner, job_id)}  # a worker may have one place alone
    async with AsyncExitStack() as held_up:
        await held_up.enter_async_context(waking.held_up())
        stopped = await waking.idle_worker()
        await waking.until_held(exports)
        others = await together(waking.idle_worker() for _ in range(2))
        async with cells.of(when="given back"):
            since = await drill.view.now()
            await waking.stop(stopped)
            what = f"given back by {stopped.name}"
            if not await waking.expect_claimed_or_let_go(held_up, exports, since, what):
                raise Inconclusive(WAITED)
        await waking.until_held(exports)
        victim, left = sorted(others, key=lambda each: each.name)
        held = set(await drill.view.heartbeats(victim.name))
        if not held:
            victim, left = left, victim
            held = set(await drill.view.heartbeats(victim.name))
        async with cells.of(when="taken back"):
            drill.looks.harmed({"job": each} for each in held)
            since = await drill.view.now()
            kill = kill_instances(drill.own.system, [victim], replacements=0, outside=drill.outside)
            async with drill.injected(kill):
                what = f"taken back from {victim.name}"
                await waking.expect_claimed_or_let_go(held_up, held, since, what)
    await waking.wait_until_idle()
    return left


async def poll_meanwhile(waking: Waking, cells: Cells) -> None:
    """End the connection on which a worker listens that polls often, and request an export."""
    drill = waking.drill
    worker = await waking.idle_worker(poll_s=SHORT_POLL_S)
    async with cells.of(when="polls meanwhile"):
        owner, job_id, _ = await drill.backlog.job_with_evidence()
        async with waking.unheard(worker):
            export = await drill.backlog.request_one(owner, job_id)
        since = await drill.view.now()
        await waking.expect_claimed_by(export, since, Promptness.by_poll(SHORT_POLL_S))


@check(
    "chaos.wake-up-returned",
    "Idle workers take up what others give back",
    checklist="Verify that a deploy or a dead worker delays no export until the next poll",
    observes=1,
    needs=frozenset({Capability.TENANTS, Capability.SPAWN, Capability.RESTART, Capability.KILL}),
    profile="full",
    deadline_s=120,
)
async def check_wake_up_returned(
    fresh_system: FreshSystem,
    target: Target,
    rng: random.Random,
    history: HistoryWriter,
    observe: Observations,
    cells: Cells,
) -> None:
    """Let exports come back into the queue beside idle workers that poll once a minute.

    From a worker that is stopped and from one that is killed: each is claimed within six seconds.
    So is one that waited for its organization's cap, once a draining worker has ended another. And
    a worker that cannot listen any more finds what is requested by its poll.
    """
    async with waking_drill(fresh_system, target, rng, history, observe, cells) as waking:
        drill = waking.drill
        refuse_unseen_claims(target)
        await table_to_lock(drill)
        with as_subject():
            await wake_at_a_freed_place(waking, cells)
            left = await wake_by_workers(waking, cells)
            if waking.listens(left):
                await drill.own.system.kill(left)
                await poll_meanwhile(waking, cells)
            else:
                await drill.view.wait_until_ended(drill.times, lambda _seen, _now: False)
            await waking.judge_end(cells)
