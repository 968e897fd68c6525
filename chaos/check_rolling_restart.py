"""Everything is replaced while it is used, and its users notice nothing."""

import random

from chaos.drills.draining import Draining
from chaos.drills.health import judge_health
from chaos.drills.rolling import ExportLoad, RollingRestart
from chaos.drills.slow_work import FAILPOINT, refuse_unseen_claims
from chaos.drills.worker_drill import END, WorkerDrill, end_violations, worker_drill
from harness.check import check
from harness.client import Organization, together
from harness.errors import Inconclusive
from harness.findings.preconditions import as_subject
from harness.history import HistoryWriter
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.system import Instance
from harness.target import Capability, Target

WORKERS = 2
JOBS = 24
"""Jobs whose exports are requested over and over."""

JOBS_EACH = 2
"""Jobs of one organization: fewer than it may have exports in progress."""

WORK_S = 1.0
"""How long an export takes, where there is a failpoint for it: one worker alone is too slow."""

STUCK_TIMEOUT_S = 5.0
"""Longer than anything that this drill does to a worker: what waits for it, waits in vain."""

NEEDS = frozenset(
    {Capability.TENANTS, Capability.SPAWN, Capability.RESTART, Capability.DATABASE_CONTROL}
)


async def start_workers(drill: WorkerDrill) -> list[Instance]:
    """Start workers that take a while for each export, where that is possible."""
    environment = {}
    if drill.failpoints is not None and FAILPOINT in drill.failpoints.names:
        environment = dict(drill.failpoints.environment({FAILPOINT: f"sleep:{WORK_S:g}"}))
    start = drill.own.system.start
    return await together(start("worker", environment) for _ in range(WORKERS))


async def jobs_to_export(drill: WorkerDrill) -> list[tuple[Organization, str]]:
    """Make the jobs, with evidence, so that two in a row are of different organizations."""
    made = [await drill.backlog.jobs_of_one(JOBS_EACH) for _ in range(JOBS // JOBS_EACH)]
    return [(owner, jobs[i]) for i in range(JOBS_EACH) for owner, jobs in made]


async def judge_end(drill: WorkerDrill, cells: Cells) -> None:
    """Wait until all is done; nothing was lost, done twice, or left to recovery."""
    drill.seen = await drill.view.wait_until_ended(drill.times, lambda _seen, _now: False)
    await drill.judge(await end_violations(drill), what=END)
    await judge_health(drill.own, cells, drill.where)
    if drill.looks.incomplete and not cells.findings:
        raise Inconclusive("; ".join(drill.looks.incomplete))


@check(
    "chaos.rolling-restart",
    "A rolling restart costs no request and no export",
    checklist="Verify that a deploy under load loses no request and delays no export",
    observes=4,
    needs=NEEDS,
    profile="full",
    deadline_s=180,
)
async def check_rolling_restart(
    fresh_system: FreshSystem,
    target: Target,
    rng: random.Random,
    history: HistoryWriter,
    observe: Observations,
    cells: Cells,
) -> None:
    """Replace API instances and workers one by one, by SIGTERM, while exports are requested.

    Each instance has half an upload and a download in flight, and answers the upload; every request
    to the one that goes on is accepted. Each worker is stopped when the answer to its claim is on
    its way: it finishes or gives back all that it has claimed, so that nothing waits for the stuck
    timeout. In the end every export that was accepted is done once.
    """
    refuse_unseen_claims(target)
    values = {"stuck_timeout_s": f"{STUCK_TIMEOUT_S:g}"}
    async with worker_drill(
        fresh_system,
        target,
        rng,
        history,
        observe,
        cells,
        values=values,
        api_instances=2,
        proxied=True,
    ) as drill:
        drill.looks.promise(grace_s=drill.grace_s)
        load = ExportLoad(drill=drill, jobs=await jobs_to_export(drill))
        draining = Draining(drill=drill, can_lock=False)
        rolling = RollingRestart(drill=drill, load=load, draining=draining)
        workers = await start_workers(drill)
        with as_subject():
            async with load.running():
                await rolling.replace_instances()
                await rolling.replace_workers(workers)
            async with cells.of(operation="requestExport", what="requests during the deploy"):
                load.judge()
            await judge_end(drill, cells)
