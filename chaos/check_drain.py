"""Workers get SIGTERM in the middle of their work, and no export waits for a timeout."""

import random

from chaos.drills.draining import Draining, Turn, overtaken_after_drains
from chaos.drills.draining_in_an_outage import DrainingInAnOutage
from chaos.drills.health import judge_health
from chaos.drills.worker_drill import END, end_violations, worker_drill
from harness.check import check
from harness.checkers import ExportFacts
from harness.errors import Inconclusive
from harness.expect import expect
from harness.findings.preconditions import as_subject
from harness.history import HistoryWriter
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target
from harness.vocabulary.exports import FAILED

GRACE_S = 3.0
"""The workers' grace, where the target file fills in `{drain_grace_s}`."""

STUCK_TIMEOUT_S = 5.0
"""Longer than any lock of this drill: a worker must not lose to recovery what it has to give back.
"""

LONG_POLL_S = 60.0
"""The poll interval, where the target file fills it in: a worker does not find out by polling that
it has to stop."""

ORDER = "order of claims"

ORGANIZATIONS = 3
"""Organizations whose exports are enough for workers that are stopped at the same time."""


async def stop_workers(draining: Draining) -> None:
    """Let workers give back what those before them gave back, in other circumstances."""
    await draining.drain(Turn(when="at work"), Turn(when="SIGTERM twice", twice=True))
    if draining.drill.failpoints is not None:
        await draining.drain_after_failed_work(Turn(when="its work has failed"))
    elif draining.can_lock:
        await draining.drain(Turn(when="at work again"))
    in_an_outage = DrainingInAnOutage(draining=draining)
    if in_an_outage.is_possible:
        await in_an_outage.drain()


async def end_all(draining: Draining) -> ExportFacts:
    """Let a healthy worker end all exports, also those that one could not give back."""
    drill = draining.drill
    worker = await drill.own.system.start("worker")
    if drill.orphans:
        await drill.begin_recovery()
        await drill.wait_until_ended()
        seen = drill.final
    else:
        seen = await drill.view.wait_until_ended(drill.times, lambda _observed, _now: False)
    async with drill.cells.of(when="idle"):
        draining.expect_in_time(worker, await draining.stop(worker))
    return seen


async def judge_end(draining: Draining, observed: ExportFacts, cells: Cells) -> None:
    """Find exports that failed because drains were counted, then all else that is wrong."""
    drill = draining.drill
    drill.seen = observed
    failed = [each for each in observed.exports if each.state == FAILED]
    async with cells.of(when="after the drains"):
        drill.judged.update(each.id for each in failed)
        expect(
            not failed,
            expected=f"exports that {draining.drained} workers gave back, and that the next one "
            "could not, to be done by another one: an attempt that a drain ended does not count",
            got=f"{len(failed)} of {len(observed.exports)} failed, such as {failed[0].describe()}"
            if failed
            else "",
            rule="drain.keeps-attempts",
        )
    drill.looks.harmed({"job": each} for each in drill.backlog.owners)
    if observed.transitions is not None:
        cap = drill.target.limits.per_org_in_progress
        late = overtaken_after_drains(observed.transitions, cap, draining.places)
        await drill.judge(late, what=ORDER)
    await drill.judge(await end_violations(drill), what=END)
    await judge_health(drill.own, cells, drill.where)
    if drill.looks.incomplete and not cells.findings:
        raise Inconclusive("; ".join(drill.looks.incomplete))


@check(
    "chaos.drain",
    "A stopped worker gives all its exports back",
    checklist="Verify that a deploy interrupts no export for longer than its restart",
    observes=2,
    needs=frozenset({Capability.TENANTS, Capability.SPAWN, Capability.RESTART}),
    deadline_s=120,
)
async def check_drain(
    fresh_system: FreshSystem,
    target: Target,
    rng: random.Random,
    history: HistoryWriter,
    observe: Observations,
    cells: Cells,
) -> None:
    """Send SIGTERM to workers that hold exports, and poll once a minute.

    At work that cannot end in time, twice, after work that failed, and while the table of exports
    is locked or the database is gone for most of the grace: each ends by itself within its grace,
    no export is in progress then, and the next worker gets all of them at once, before younger
    ones. Where the database is gone until it has ended, its exports are taken back after the stuck
    timeout: drains have used up no attempt. An idle worker ends in time, too. In the end each
    export is done once.
    """
    values = {
        "drain_grace_s": f"{GRACE_S:g}",
        "stuck_timeout_s": f"{STUCK_TIMEOUT_S:g}",
        "poll_interval_s": f"{LONG_POLL_S:g}",
    }
    async with worker_drill(
        fresh_system, target, rng, history, observe, cells, values=values, proxied=True
    ) as drill:
        draining = await Draining.of(drill)
        await draining.request_exports(ORGANIZATIONS)
        with as_subject():
            await stop_workers(draining)
            await judge_end(draining, await end_all(draining), cells)
