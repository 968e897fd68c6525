"""A worker that got SIGTERM and works on within its grace: its heartbeats must go on as well."""

import asyncio
import signal
from dataclasses import dataclass, field

from chaos.drills.leases.seen_heartbeats import SeenHeartbeats, Silence
from chaos.drills.slow_work import SlowWork
from chaos.drills.worker_drill import WorkerDrill
from harness.checkers.recovery import DRAIN
from harness.errors import Inconclusive
from harness.history import EntryType
from harness.system import Instance
from harness.waiting import wait_until

LATE_S = 1.0
"""What a busy machine may take to notice that a process has ended."""

CLAIMED_WITHIN_S = 10.0
_POLL_S = 0.1


@dataclass(kw_only=True)
class DrainingWork:
    """One export whose worker drains: it is finished, given back, or kept alive."""

    drill: WorkerDrill
    slow: SlowWork
    worker: Instance | None = None
    beats: SeenHeartbeats = field(default_factory=lambda: SeenHeartbeats(watched={}))
    _watching: "asyncio.Future[None] | None" = None

    @property
    def name(self) -> str:
        """The name of the worker; empty where none drains."""
        return self.worker.name if self.worker else ""

    async def begin(self, seconds: float) -> None:
        """Let a worker hold an export that takes so long, and send SIGTERM to it.

        It claims nothing more then, so what is requested afterwards is for others.
        """
        drill = self.drill
        owner, job_id, _ = await drill.backlog.job_with_evidence()
        export_id = await drill.backlog.request_one(owner, job_id)
        drill.looks.harmed([{"job": export_id}])  # it may need another attempt
        self.worker = await self.slow.start(seconds)

        async def is_held() -> bool:
            found = {each.export_id: each for each in await drill.view.in_progress()}
            self.beats = SeenHeartbeats(watched=found)
            return export_id in found

        within_s = drill.target.pace.wait_s(CLAIMED_WITHIN_S)
        await wait_until(is_held, within_s, f"{self.name} to hold an export", error=Inconclusive)
        drill.looks.promise(grace_s=self.drill.grace_s)
        drill.history.write("invoke", DRAIN, process=drill.process, worker=self.name)
        stopping = asyncio.ensure_future(self._stop(self.worker))
        self._watching = asyncio.ensure_future(self._watch(stopping))

    async def _stop(self, worker: Instance) -> None:
        drill = self.drill
        code = await drill.own.system.stop(worker, self.drill.grace_s + LATE_S)
        kind: EntryType = "fail" if code == -signal.SIGKILL else "ok"
        drill.history.write(kind, DRAIN, process=drill.process, worker=worker.name)

    async def _watch(self, stopping: "asyncio.Future[None]") -> None:
        """Look at its exports again and again until it has ended."""

        async def has_ended() -> bool:
            found, now = await self.drill.view.in_progress(), await self.drill.view.now()
            if not stopping.done():
                self.beats.look((each for each in found if each.worker == self.name), now)
            return stopping.done()

        within_s = self.drill.grace_s + LATE_S + CLAIMED_WITHIN_S
        await wait_until(has_ended, within_s, f"the end of {self.name}", poll_s=_POLL_S)
        await stopping

    async def end(self) -> None:
        """Wait until the worker has ended."""
        if self._watching is not None:
            await self._watching

    def silences(self) -> list[Silence]:
        """Give the silences that were longer than the stuck timeout."""
        return self.beats.silences(self.drill.times.stuck_timeout_s)
