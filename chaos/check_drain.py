"""Workers get SIGTERM in the middle of their work, and no export waits for a timeout."""

import random

from chaos.drills.draining import Draining, overtaken_after_drains
from chaos.drills.health import judge_health
from chaos.drills.worker_drill import END, end_violations, worker_drill
from chaos.faults.kill_instances import kill_instances
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

ORDER = "order of claims"


async def stop_one_after_the_other(draining: Draining, cells: Cells) -> None:
    """Let each worker give back what the one before it gave back, in other circumstances."""
    async with cells.of(when="at work"), draining.at_work() as worker:
        await draining.expect_drained(worker)
    async with cells.of(when="SIGTERM twice"), draining.at_work() as worker:
        await draining.expect_drained(worker, twice=True)
    if draining.can_lock:
        async with cells.of(when="exports locked for a while"), draining.at_work() as worker:
            await draining.expect_drained(worker, locked=True)
    if draining.drill.failpoints is not None:
        async with cells.of(when="its work has failed"):
            await draining.expect_drained(await draining.after_failed_work())


async def end_all(draining: Draining) -> ExportFacts:
    """Let healthy work end all exports; if they were drained often enough, after one more death."""
    drill = draining.drill
    most = drill.target.limits.max_attempts
    if draining.can_lock and draining.drained >= most:
        async with (
            draining.at_work() as worker,
            drill.injected(
                kill_instances(drill.own.system, [worker], replacements=1, outside=drill.outside)
            ),
        ):
            pass
    else:
        await drill.own.system.start("worker")
    return await drill.view.wait_until_ended(drill.times, lambda _observed, _now: False)


async def judge_end(draining: Draining, observed: ExportFacts, cells: Cells) -> None:
    """Find exports that failed because drains were counted, then all else that is wrong."""
    drill = draining.drill
    drill.seen = observed
    failed = [each for each in observed.exports if each.state == FAILED]
    async with cells.of(when="killed after the drains"):
        drill.judged.update(each.id for each in failed)
        expect(
            not failed,
            expected=f"exports that were given back {draining.drained} times, whose next worker "
            "was killed, to be done by another one: an attempt that a drain ended does not count",
            got=f"{len(failed)} of {len(observed.exports)} failed, such as {failed[0].describe()}"
            if failed
            else "",
            rule="drain.keeps-attempts",
        )
    drill.looks.harmed({"job": each} for each in drill.backlog.owners)
    if observed.transitions is not None:
        cap = drill.target.limits.per_org_in_progress
        await drill.judge(overtaken_after_drains(observed.transitions, cap), what=ORDER)
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
    """Send SIGTERM to workers that hold exports, one after the other.

    At work that cannot end in time, twice, while the table of exports is locked for most of
    the grace, and after work that failed: each ends by itself within its grace, no export is in
    progress then, and the next worker gets all of them at once, before younger ones. After that
    many drains a dead worker is not the end of an export: drains use up no attempt. In the end each
    is done once.
    """
    values = {"drain_grace_s": f"{GRACE_S:g}", "stuck_timeout_s": f"{STUCK_TIMEOUT_S:g}"}
    async with worker_drill(
        fresh_system, target, rng, history, observe, cells, values=values
    ) as drill:
        assert target.worker is not None
        is_set = target.mentions("drain_grace_s")
        draining = await Draining.of(drill, GRACE_S if is_set else target.worker.grace_s)
        if target.mentions("stuck_timeout_s"):
            drill.looks.promise(stuck_timeout_s=STUCK_TIMEOUT_S)
        await draining.request_exports()
        with as_subject():
            await stop_one_after_the_other(draining, cells)
            await judge_end(draining, await end_all(draining), cells)
