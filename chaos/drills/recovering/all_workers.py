"""All workers are killed at the same moment, again and again, and the queue grows meanwhile."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from chaos.drills.held_work import can_hold_work, wait_until_held, work_held
from chaos.drills.worker_drill import WorkerDrill
from chaos.faults.kill_instances import kill_instances
from chaos.workers.parked_workers import ParkedWorker
from harness.checkers import Orphan
from harness.client import together

WORKERS = 2
"""How many are there each time: all of them."""


@dataclass(kw_only=True)
class AllWorkers:
    """A system whose workers die together."""

    drill: WorkerDrill
    deaths: int = 0
    """How often all of them died with exports."""
    _killed: list[ParkedWorker] = field(default_factory=list)
    _orphans: dict[tuple[str, int], Orphan] = field(default_factory=dict)

    async def kill_at_work(self) -> None:
        """Start workers, and kill all of them while they hold exports."""
        drill = self.drill
        async with AsyncExitStack() as held:
            if await can_hold_work(drill):
                await held.enter_async_context(work_held(drill))
                started = await together(drill.own.system.start("worker") for _ in range(WORKERS))
                await together(wait_until_held(drill, each) for each in started)
                drill.victims = [ParkedWorker(worker=each) for each in started]
            else:
                await drill.freeze_busy(WORKERS)
            workers = [each.worker for each in drill.victims]
            async with drill.injected(
                kill_instances(drill.own.system, workers, replacements=0, outside=drill.outside)
            ):
                pass
        self._killed += drill.victims
        before = len(self._orphans)
        await self._find_orphans()
        self.deaths += len(self._orphans) > before

    async def start_again(self) -> None:
        """Start new workers, and note what they have to take back."""
        await together(self.drill.own.system.start("worker") for _ in range(WORKERS))
        await self._find_orphans()  # what the dead had sent has been done by the database now
        self.drill.orphans = list(self._orphans.values())
        await self.drill.begin_recovery()
        orphans = {export_id for export_id, _ in self._orphans}
        others = self.drill.backlog.owners.keys() - orphans
        self.drill.looks.harmed({"job": each} for each in others)

    async def _find_orphans(self) -> None:
        self.drill.victims = self._killed
        await self.drill.find_orphans("SIGKILL")
        for each in self.drill.orphans:
            self._orphans.setdefault((each.export_id, each.attempt), each)
