"""A deploy: API instances and workers are replaced one after the other, under load."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import cycle

from chaos.drills.cut_writes.stopped_instances import StoppedInstances
from chaos.drills.draining import Draining
from chaos.drills.new_exports import accepted
from chaos.drills.worker_drill import WorkerDrill
from chaos.faults.add_toxic import add_toxic
from chaos.faults.link import database_link
from harness.client import Organization
from harness.errors import CheckFailed, Inconclusive
from harness.expect import expect, expect_status
from harness.network.toxics import LatencyOfAnswers
from harness.system import Instance
from harness.waiting import wait_until

PACE_S = 0.1
"""Between two requests for exports."""

LATE_MS = 400.0
"""How much later workers get answers, so that one is stopped in the middle of a claim."""

IN_TIME_S = 0.2
"""How long ago its claim was not there yet when it gets SIGTERM: the answer is on its way."""

CLAIMS_WITHIN_S = 30.0
"""How long it may take until a worker claims, each of whose statements is answered late."""

_POLL_S = 0.02


@dataclass(kw_only=True)
class ExportLoad:
    """Requests exports all the time, at the instance that is not about to be stopped."""

    drill: WorkerDrill
    jobs: Sequence[tuple[Organization, str]]
    instance: int = 0
    answered: int = 0
    failures: list[str] = field(default_factory=list)
    """What was wrong with requests that a living instance had taken."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run it for the block."""
        going_on = asyncio.ensure_future(self._run())
        try:
            yield
        finally:
            going_on.cancel()
            await asyncio.wait({going_on})

    async def _run(self) -> None:
        for owner, job_id in cycle(self.jobs):
            # Not canceled in the middle: each that was sent is noted.
            await asyncio.shield(asyncio.ensure_future(self._request(owner, job_id)))
            await asyncio.sleep(PACE_S)

    async def _request(self, owner: Organization, job_id: str) -> None:
        where = self.instance
        try:
            answer = await owner.client.request_export(job_id, instance=where)
            expect_status(answer, 200, 202)
        except CheckFailed as failure:
            self.failures.append(f"at instance {where + 1}: {failure.got}")
            return
        accepted(self.drill, owner, str(answer.data["id"]))
        self.answered += 1

    def judge(self) -> None:
        """Fail for requests that were not answered, or refused."""
        self.drill.observe(self.answered, what="requests for exports during the deploy")
        expect(
            not self.failures,
            expected=f"each of {self.answered + len(self.failures)} requests for exports to be "
            "accepted: none was sent to an instance that had got SIGTERM",
            got="; ".join(self.failures[:3]),
            rule="api.stop-answers",
            subject="requestExport",
        )


@dataclass(kw_only=True)
class RollingRestart:
    """One system whose instances are replaced one by one."""

    drill: WorkerDrill
    load: ExportLoad
    draining: Draining

    async def replace_instances(self) -> None:
        """Replace both API instances, each with an upload and a download in flight."""
        stopped = await StoppedInstances.of(self.drill)
        for victim, other in ((0, 1), (1, 0)):
            self.load.instance = other
            await replace(stopped, victim=victim, other=other).stop()

    async def replace_workers(self, workers: Sequence[Instance]) -> None:
        """Replace workers, each when a claim of it is made, and the answer on its way."""
        system, running = self.drill.own.system, list(workers)
        left = {each.name for each in workers}
        while left:
            async with AsyncExitStack() as late:
                for each in running:  # all of them, or the others are always faster
                    toxic = LatencyOfAnswers(latency=LATE_MS)
                    fault = add_toxic(database_link(system, each), toxic, "downstream")
                    await late.enter_async_context(self.drill.injected(fault))
                name = await self._just_claimed(left)
                victim = next(each for each in running if each.name == name)
                await self.draining.until_held([victim])
                stopping = asyncio.ensure_future(self.draining.stop(victim))
                await asyncio.wait({stopping}, timeout=LATE_MS / 1000)
            async with self.drill.cells.of(when="a worker is replaced"):
                await self.draining.expect_drained(victim, await stopping)
            left.remove(name)
            running[running.index(victim)] = await system.restart(victim)

    async def _just_claimed(self, names: Collection[str]) -> str:
        """Give the worker of these of which a claim is seen that was not there a moment before."""
        known: set[tuple[str, int | None]] | None = None
        looked = 0.0

        async def claimant() -> str:
            nonlocal known, looked
            seen, before = await self.drill.view.observed(), looked
            looked = time.monotonic()
            claims = {
                (step.export_id, step.new_attempt): str(step.new_claimed_by)
                for step in seen.transitions or ()
                if step.is_claim and step.new_claimed_by in names
            }
            new = claims.keys() - known if known is not None else set()
            known = set(claims)
            # After a longer pause of ours the answer may have arrived.
            return claims[new.pop()] if new and looked - before < IN_TIME_S else ""

        within_s = self.drill.target.pace.wait_s(CLAIMS_WITHIN_S)
        what = f"a claim of {' or '.join(sorted(names))}"
        return await wait_until(claimant, within_s, what, poll_s=_POLL_S, error=Inconclusive)
