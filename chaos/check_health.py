"""What a system leaves behind in its database after work, and after requests that it refused."""

import random

from chaos.drills.equal_rounds import AT_ONCE, EqualRounds
from chaos.drills.health import Counted, counted, judge_health
from chaos.drills.worker_drill import WorkerDrill, worker_drill
from harness.check import check
from harness.expect import expect
from harness.findings.preconditions import as_subject
from harness.history import HistoryWriter
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target

ROUNDS = ("first", "second")


async def rounds_of(drill: WorkerDrill) -> EqualRounds:
    """Make an export ready, and all else that a round needs."""
    owner, job_id, evidence = await drill.backlog.job_with_evidence()
    export_id = await drill.backlog.request_one(owner, job_id)
    await owner.client.wait_for_export(export_id)
    rounds = EqualRounds(
        owner=owner,
        job_id=job_id,
        evidence=evidence,
        export_id=export_id,
        samples=drill.backlog.samples,
    )
    await rounds.prepare()
    return rounds


async def refuse_twice(drill: WorkerDrill, rounds: EqualRounds, cells: Cells) -> None:
    """Send two equal rounds of requests, and compare the connections that are open after each."""
    open_after: list[Counted] = []
    sent = 0
    for name in ROUNDS:
        async with cells.of(what=f"{name} round"):
            sent = sum((await rounds.run()).values())
            open_after.append(await counted(drill.own.control_database, drill.own.system))
            drill.observe(sent, what="requests of equal rounds")
    if len(open_after) < len(ROUNDS):
        return
    before, after = (each.connections for each in open_after)
    async with cells.of(what="connections"):
        expect(
            after - before <= AT_ONCE,
            expected=f"a second round of {sent} requests, {AT_ONCE} at once, to need no more "
            f"connections than the first, which left {before} open",
            got=f"{after} connections are open after it",
            rule="health.connections",
        )


@check(
    "chaos.health",
    "Work and refusals leave nothing open",
    checklist="Verify that connections, transactions and locks do not pile up",
    observes=20,
    needs=frozenset({Capability.TENANTS, Capability.SPAWN, Capability.DATABASE_CONTROL}),
    deadline_s=90,
)
async def check_health(
    fresh_system: FreshSystem,
    target: Target,
    rng: random.Random,
    history: HistoryWriter,
    observe: Observations,
    cells: Cells,
) -> None:
    """Let one worker make an export, then send two equal rounds of requests that are refused.

    No session stays in a transaction, none holds an old snapshot, the server had to end no
    deadlock, no instance ends by itself, and the second round leaves no more connections open
    than the first.
    """
    async with worker_drill(fresh_system, target, rng, history, observe, cells) as drill:
        worker = await drill.own.system.start("worker")
        rounds = await rounds_of(drill)
        with as_subject():
            await judge_health(drill.own, cells, {"when": "its worker is idle"})
            await drill.own.system.stop(worker)
            await refuse_twice(drill, rounds, cells)
            await judge_health(drill.own, cells, {"when": "after requests that were refused"})
