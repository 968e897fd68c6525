"""A worker that never learns that its claim, its completion or its failure was committed."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from chaos.drills.cut_writes.committed import Wanted, changes_of, noted, once_only, shown
from chaos.drills.lockable import locks_of
from chaos.drills.new_exports import new_job, request_export
from chaos.drills.worker_drill import WorkerDrill
from chaos.exports.view import InProgress
from chaos.faults.lose_answers import lose_answers
from harness.checkers.recovery import DRAIN
from harness.client import Organization
from harness.errors import Inconclusive
from harness.expect import expect
from harness.history import EntryType
from harness.system import Instance
from harness.vocabulary.exports import LIVE_STATES
from harness.waiting import becomes_true, wait_until

WORK_S = 10.0
"""How long a worker may take to claim, or to do, one export."""

BEATS = 2
"""How many heartbeats of one export tell them from what is committed once."""

LATE_S = 1.0
_POLL_S = 0.03

Job = tuple[Organization, str]
"""A job, and whose it is."""


@dataclass(kw_only=True)
class LostWorkerAnswers:
    """One worker, whose transactions are learned in peace, and then lose their answers."""

    drill: WorkerDrill
    worker: Instance
    is_change: Wanted
    known: set[str] = field(default_factory=set)
    """The statements that were seen in peace."""
    lost: int = 0
    _waiting: set[str] = field(default_factory=set)

    @classmethod
    async def start(cls, drill: WorkerDrill) -> "LostWorkerAnswers":
        """Start the worker."""
        worker = await drill.own.system.start("worker")
        return cls(drill=drill, worker=worker, is_change=await changes_of(drill.own))

    async def lose_of_ready(self) -> None:
        """Lose the answer to each transaction of an export's way to `ready`, of an export each."""
        async with noted(self.drill.own, self.worker, self.is_change) as commits:
            async with self._at_work() as export_id:
                before = await self._beat(export_id)
                seen = {before}

                async def beats() -> bool:
                    seen.add(await self._beat(export_id))
                    return len(seen) > BEATS

                assert self.drill.target.worker is not None
                every_s = self.drill.target.worker.heartbeat_interval_s
                await becomes_true(beats, every_s * (BEATS + 2), poll_s=_POLL_S)
            await self._wait_until_ended(export_id)
        self.known |= {each for one in commits.answered for each in one}
        for statement in once_only(commits.answered, self.is_change):
            async with self.drill.cells.of(worker="answer lost", commit=shown(statement)):
                await self._lose(statement, "on the way to ready")

    async def wait_until_recovered(self) -> None:
        """Wait until what was lost has been done again; then recovery's commits are known, too."""
        async with noted(self.drill.own, self.worker, self.is_change) as commits:
            await self.drill.view.wait_until_ended(self.drill.times, lambda _seen, _now: False)
        self.known |= {each for one in commits.answered for each in one}

    async def lose_of_failed(self, damaged: Sequence[Job]) -> None:
        """Let exports fail whose evidence is damaged; lose the answer to the failure of some.

        The first fails in peace: what is committed then and was not known before is the failure.
        """
        async with noted(self.drill.own, self.worker, self.is_change) as commits:
            first = await self._request(damaged[0])
            await self._wait_until_ended(first)
        new = [
            each for each in once_only(commits.answered, self.is_change) if each not in self.known
        ]
        self.known |= {each for one in commits.answered for each in one}
        for statement, job in zip(new, damaged[1:], strict=False):
            async with self.drill.cells.of(worker="answer lost", commit=shown(statement)):
                await self._lose(statement, "to failed", job)
        for job in damaged[1 + len(new) :]:
            await self._request(job)

    async def lose_of_drain(self) -> None:
        """Send SIGTERM while an export is held; lose the answer to what is committed anew then."""
        known, drill = frozenset(self.known), self.drill
        grace_s = drill.grace_s
        if not await locks_of(drill, "evidence"):
            raise Inconclusive(
                "no worker can be kept at its work: name the table of evidence in [catalog.tables]"
            )
        drill.looks.promise(grace_s=grace_s)

        def is_new(text: str) -> bool:
            return self.is_change(text) and text not in known

        fault = lose_answers(
            drill.own.system, self.worker, is_new, what="drain", within_s=grace_s + LATE_S
        )
        async with self._at_work():
            # What was changed before is not what the drain left: it goes before it.
            drill.looks.changes(await drill.view.observed())
            self._note("invoke")
            stopping = asyncio.ensure_future(drill.own.system.stop(self.worker, grace_s + LATE_S))
            try:
                async with drill.injected(fault):
                    code = await stopping
            finally:
                await asyncio.wait({stopping})
            self._note("fail" if code == -signal.SIGKILL else "ok")
            left = await self._held()
        self.lost += 1
        expect(
            code != -signal.SIGKILL and not left,
            expected=f"{self.worker.name} to end within {grace_s:g} s of SIGTERM and to hold "
            "nothing then, also when the database's answer to what it gave back is lost",
            got=f"it ended with {code}, and {len(left)} exports are still in progress",
            rule="drain.gives-back",
        )

    def _note(self, kind: EntryType) -> None:
        """Write into the history that the worker gets SIGTERM, or how it ended."""
        self.drill.history.write(kind, DRAIN, process=self.drill.process, worker=self.worker.name)

    async def _lose(self, statement: str, where: str, job: Job | None = None) -> None:
        fault = lose_answers(
            self.drill.own.system,
            self.worker,
            lambda text: text == statement,
            what=f"{where}: {shown(statement)}",
            within_s=self.drill.target.pace.wait_s(WORK_S),
        )
        requesting = asyncio.ensure_future(self._request(job))
        try:
            async with self.drill.injected(fault):
                export_id = await requesting
                self.drill.notes[export_id] = f"the answer to {shown(statement)} was lost"
        finally:
            requesting.cancel()
        self.lost += 1

    async def _request(self, job: Job | None = None) -> str:
        """Request an export; of a new organization and job, unless of this job."""
        return await request_export(self.drill, *(job or await new_job(self.drill)))

    async def _beat(self, export_id: str) -> object:
        return (await self.drill.view.heartbeats(self.worker.name)).get(export_id)

    async def _held(self) -> Sequence[InProgress]:
        found = await self.drill.view.in_progress()
        return [each for each in found if each.worker == self.worker.name]

    @asynccontextmanager
    async def _at_work(self) -> AsyncIterator[str]:
        """Request an export; inside, the worker holds it and cannot read what it is made from.

        Where the table of evidence is not known it is not held.
        """
        job = await new_job(self.drill)
        locks = await locks_of(self.drill, "evidence")
        async with self.drill.injected(*locks):
            export_id = await self._request(job)
            if not locks:
                yield export_id
                return

            async def is_held() -> bool:
                return any(each.export_id == export_id for each in await self._held())

            await wait_until(
                is_held,
                self.drill.target.pace.wait_s(WORK_S),
                f"{self.worker.name} to claim export {export_id}",
                poll_s=_POLL_S,
                error=Inconclusive,
            )
            yield export_id

    async def _wait_until_ended(self, export_id: str) -> None:
        owner = self.drill.backlog.owners[export_id]

        async def is_over() -> bool:
            shown_now = await owner.client.at(0).get_export(export_id)
            return shown_now["state"] not in LIVE_STATES

        within_s = self.drill.target.pace.wait_s(WORK_S)
        await wait_until(
            is_over, within_s, f"export {export_id} to end", poll_s=_POLL_S, error=Inconclusive
        )
