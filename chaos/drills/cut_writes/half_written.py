"""The turns of one system in which writes are cut in their middle."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial

from chaos.drills.cut_writes.agreement import expect_agreement, outcome_of
from chaos.drills.cut_writes.cancel_races import race_cancellations
from chaos.drills.cut_writes.cut_requests import (
    CutRequests,
    wait_until_blocked,
    wait_until_settled,
    writes_locked,
)
from chaos.drills.cut_writes.litter import Litter
from chaos.drills.cut_writes.lost_answers import lose_each_answer
from chaos.drills.cut_writes.lost_worker_answers import LostWorkerAnswers
from chaos.drills.cut_writes.writes import (
    Cancellation,
    ExportRequest,
    NewJob,
    Retry,
    Upload,
    Write,
)
from chaos.drills.new_exports import accepted, damaged_jobs, new_job
from chaos.drills.worker_drill import END, WorkerDrill
from chaos.faults.harmed_database import HarmedDatabase
from chaos.faults.kill_instances import kill_instances
from chaos.faults.make_read_only import make_read_only
from harness.client.caller import KEY_HEADER
from harness.errors import Inconclusive
from harness.expect import expect_status
from harness.system import Instance
from harness.target import Capability
from harness.vocabulary.exports import CANCELED, FAILED

DAMAGED = 4
"""Jobs whose exports fail: the first in peace, the next as its answer is lost."""

LARGE_BYTES = 3 * 1024 * 1024
"""Of an upload that is cut half way: some of it is in the storage by then."""

SMALL_BYTES = 64 * 1024

SHORT_S = 5.0
"""For which a backend lets a commit wait; who tidies later than that takes nothing from it."""


@dataclass(kw_only=True)
class HalfWritten:
    """One system with two API instances behind proxies; requests to the first are harmed."""

    drill: WorkerDrill
    tidy_s: float | None
    """How long litter may stay, as this drill has set it; None: as the target file declares."""
    requested: list[Write] = field(default_factory=list)
    """Every export request that may have been accepted, retries included."""
    failed: list[Retry] = field(default_factory=list)

    @property
    def is_seen(self) -> bool:
        """Whether the database can be read, locked and cut off by us."""
        return self.drill.view.shows_workers and Capability.DATABASE_CONTROL in self.drill.offered

    async def run(self) -> None:
        """Take all turns, and judge the end."""
        drill = self.drill
        if self.is_seen:
            await self._lose_answers_of_a_worker()
            await self._lose_answers_of_an_instance()
        litter = self._litter()
        await self._cut_requests(litter)
        if self.is_seen:
            async with drill.cells.of(database="read-only"):
                await self._write_when_read_only()
        await drill.own.system.start("worker")
        if litter is not None and litter.tidy_s <= SHORT_S and self.is_seen:
            await self._write_slowly(litter)
        await self._end(litter)

    # What a worker commits

    async def _lose_answers_of_a_worker(self) -> None:
        drill = self.drill
        worker = await LostWorkerAnswers.start(drill)
        await worker.lose_of_ready()
        await worker.wait_until_recovered()
        try:
            async with damaged_jobs(drill, DAMAGED) as damaged:
                await worker.lose_of_failed(damaged)
                await self._wait_until_ended()
        except Inconclusive as problem:
            async with drill.cells.of(worker="answer lost", commit="a failure"):
                raise Inconclusive(str(problem)) from problem
        async with drill.cells.of(operation="cancelExport", race="with its completion"):
            await race_cancellations(drill)
        async with drill.cells.of(worker="answer lost", commit="of a drain"):
            await worker.lose_of_drain()
        if worker.worker.name in {each.name for each in drill.own.system.workers}:
            await drill.own.system.kill(worker.worker)
        drill.observe(worker.lost, what="commits of a worker that were not answered")
        await self._find_failed()

    async def _wait_until_ended(self) -> None:
        drill = self.drill
        drill.seen = await drill.view.wait_until_ended(drill.times, lambda _observed, _now: False)

    async def _find_failed(self) -> None:
        for each in self.drill.seen.exports if self.drill.seen else ():
            if each.state == FAILED and each.id in self.drill.backlog.owners:
                owner = self.drill.backlog.owners[each.id]
                self.failed.append(Retry(org=owner, reads_at=1, export_id=each.id))

    # What an instance commits

    async def _lose_answers_of_an_instance(self) -> None:
        drill = self.drill
        await lose_each_answer(drill, self._new_upload, "uploadEvidence")
        ended_first = partial(self._new_export, is_ended_first=True)
        await lose_each_answer(drill, ended_first, "requestExport")
        await lose_each_answer(drill, self._new_job, "createJob")
        await lose_each_answer(drill, self._new_cancellation, "cancelExport")
        await lose_each_answer(drill, self._new_retry, "retryExport")

    async def _new_upload(self, size: int = SMALL_BYTES) -> Upload:
        org, job_id = await new_job(self.drill, evidence=False)
        samples = self.drill.backlog.samples
        return Upload(
            org=org,
            reads_at=1,
            job_id=job_id,
            sample=samples.of_size(size),
            other=samples.of_size(SMALL_BYTES),
        )

    async def _new_export(self, *, is_ended_first: bool = False) -> ExportRequest:
        org, job_id = await new_job(self.drill)
        other = await org.new_job()
        await org.client.new_evidence(other["id"], self.drill.backlog.samples.new())
        write = ExportRequest(
            org=org,
            reads_at=1,
            job_id=job_id,
            other_job_id=str(other["id"]),
            is_keyed=not org.client.without.header(KEY_HEADER, "requestExport"),
            is_ended_first=is_ended_first,
        )
        self.requested.append(write)
        return write

    async def _new_job(self) -> NewJob:
        org = await self.drill.own.organizations.new()
        return NewJob(org=org, reads_at=1, title="A job whose answer is lost")

    async def _new_cancellation(self) -> Cancellation:
        org, job_id = await new_job(self.drill)
        export = await org.client.new_export(job_id)
        return Cancellation(org=org, reads_at=1, export_id=str(export["id"]))

    async def _new_retry(self) -> Retry:
        if not self.failed:
            raise Inconclusive("no export has failed that could be retried")
        return self.failed.pop()

    # Requests that are cut

    def _litter(self) -> Litter | None:
        declared = self.drill.target.storage.tidy_s if self.drill.target.storage else None
        tidy_s = declared if self.tidy_s is None else self.tidy_s
        return None if tidy_s is None else Litter(drill=self.drill, tidy_s=tidy_s)

    async def _cut_requests(self, litter: Litter | None) -> None:
        drill = self.drill
        requests = CutRequests(drill=drill, victim=0, other=1)
        kept = await self._new_upload()
        await kept.send(1)
        halves = [await self._new_upload(LARGE_BYTES) for _ in range(2)]
        wholes: Sequence[Write] = (
            [
                await self._new_upload(),
                await self._new_upload(),
                await self._new_export(),
                await self._new_export(),
            ]
            if self.is_seen
            else []
        )
        try:
            for number, half in enumerate(halves):
                await requests.halfway(half, number, leaves=bool(number))
            if self.is_seen:
                async with writes_locked(drill) as unlock:
                    for number, whole in enumerate(wholes):
                        requests.before_commit(whole, number % 2, leaves=bool(number % 2))
                    blocked = await wait_until_blocked(drill, len(wholes))
                    drill.observe(blocked, what="writes that waited for a lock when they were cut")
                    async with drill.injected(kill_instances(drill.own.system, [self._victim])):
                        await requests.leave()
                        await unlock()
            else:
                async with drill.injected(kill_instances(drill.own.system, [self._victim])):
                    await requests.leave()
            await wait_until_settled(drill)
            if litter is not None:
                litter.learn(kept.sample)
                litter.killed = [
                    each.sample for each in (*halves, *wholes) if isinstance(each, Upload)
                ]
            await requests.judge()
        finally:
            await requests.close()

    @property
    def _victim(self) -> Instance:
        return self.drill.own.system.api[0]

    async def _write_slowly(self, litter: Litter) -> None:
        """Let a commit wait for longer than litter stays: what is to be recorded is none."""
        drill, write = self.drill, await self._new_upload()
        async with (
            drill.cells.of(operation="uploadEvidence", commit="waits for long"),
            AsyncExitStack() as sending,
        ):
            async with writes_locked(drill) as unlock:
                answer = asyncio.ensure_future(outcome_of(write.send(1)))
                sending.callback(answer.cancel)
                await wait_until_blocked(drill, 1)
                await litter.wait_until_tidied(write.sample)
                await unlock()
            harm = "its commit waited for longer than litter may stay in the storage"
            await expect_agreement(write, await answer, harm)
            drill.observe(what="writes whose commit waited for long")

    async def _write_when_read_only(self) -> None:
        drill = self.drill
        writes: Sequence[Write] = [
            await self._new_upload(),
            await self._new_export(),
            await self._new_job(),
        ]
        async with drill.injected(make_read_only(HarmedDatabase.of(drill.own.system))):
            outcomes = [await outcome_of(write.send(0)) for write in writes]
        for each in (drill.own.database, drill.own.control_database):
            await each.close()  # the fault has ended all sessions, ours among them
        for write, outcome in zip(writes, outcomes, strict=True):
            async with drill.cells.of(operation=write.operation_id, database="read-only"):
                await expect_agreement(write, outcome, "the database was read-only")

    # The end

    async def _retry_failed(self) -> None:
        """Let what has failed, and was not retried yet, be made: its evidence is there again."""
        for export_id, owner in self.drill.backlog.owners.items():
            shown = await owner.client.get_export(export_id, instance=1)
            if shown["state"] == FAILED:
                path = {"export_id": export_id}
                answer = await owner.client.call("retryExport", path=path, instance=1)
                expect_status(answer, 202)

    async def _end(self, litter: Litter | None) -> None:
        drill = self.drill
        await self._retry_failed()
        for write in self.requested:
            for export_id in await write.records():
                shown = await write.reading.get_export(export_id)
                if shown["state"] != CANCELED:
                    accepted(drill, write.org, export_id)
        await self._wait_until_ended()
        drill.looks.harmed({"job": each} for each in drill.backlog.owners)
        await drill.look(drill.final, downloads=True)
        await drill.judge(drill.looks.judge(END, ended=True), what=END)
        if litter is not None:
            async with drill.cells.of(storage="litter of the killed"):
                await litter.expect_gone()
        if drill.looks.incomplete and not drill.cells.findings:
            raise Inconclusive("; ".join(drill.looks.incomplete))
