"""API instances that are killed, or get SIGTERM, with uploads and downloads in flight."""

import random

from chaos.drills.cut_writes.stopped_instances import StoppedInstances
from chaos.drills.health import judge_health
from chaos.drills.worker_drill import worker_drill
from harness.check import check
from harness.findings.preconditions import as_subject
from harness.history import HistoryWriter
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target


@check(
    "chaos.api-kill",
    "A stopped API instance leaves no half files",
    checklist="Verify that a deploy cuts no upload, and no download that looks whole",
    profile="full",
    observes=2,
    needs=frozenset({Capability.TENANTS, Capability.SPAWN, Capability.KILL, Capability.RESTART}),
    deadline_s=120,
)
async def check_api_kill(
    fresh_system: FreshSystem,
    target: Target,
    rng: random.Random,
    history: HistoryWriter,
    observe: Observations,
    cells: Cells,
) -> None:
    """Kill an API instance, then send SIGTERM to it, with half an upload and a download in flight.

    The other instance goes on. What was acknowledged just before the kill is there, whole; the
    half upload leaves nothing, and its key gives one record; a download that is cut does not look
    whole. After SIGTERM the upload, whose rest is sent at once, is answered. The instance works
    again when it is started under its name.
    """
    async with worker_drill(
        fresh_system, target, rng, history, observe, cells, api_instances=2
    ) as drill:
        with as_subject():
            stopped = await StoppedInstances.of(drill)
            await stopped.kill()
            await stopped.stop()
            await judge_health(drill.own, cells, drill.where)
