"""Downloads that are read slowly, as many at once as most backends have database connections."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from chaos.drills.health import expect_no_open_transactions, judge_health
from chaos.drills.slow_download import NotInFlight, slow_download
from chaos.drills.worker_drill import WorkerDrill
from harness.client import NoAnswer, Organization
from harness.errors import Absent, CheckFailed
from harness.expect import expect
from harness.findings.preconditions import precondition

LARGE_BYTES = 16 * 1024 * 1024
"""Of a file that is read slowly: far more than what waits in sockets."""

READERS = 16
"""How many read at once: the pools that libraries make unasked have 8, 10 or 15 connections."""

OTHERS_ANSWERED = "slow-readers.others-answered"

_REFUSED = 400


@dataclass(frozen=True, kw_only=True)
class LargeFiles:
    """Large evidence, and the pack that was made of it."""

    owner: Organization
    job_id: str
    evidence_id: str
    export_id: str

    @classmethod
    async def made(cls, drill: WorkerDrill) -> "LargeFiles":
        """Upload the evidence, and let a worker make the pack; it is stopped afterwards."""
        owner = await drill.own.organizations.new()
        job_id = str((await owner.new_job())["id"])
        size = min(LARGE_BYTES, drill.target.limits.max_upload_bytes)
        with precondition("upload.accepted"):
            evidence = await owner.client.new_evidence(job_id, drill.backlog.samples.of_size(size))
        worker = await drill.own.system.start("worker")
        export_id = await drill.backlog.request_one(owner, job_id)
        await owner.client.wait_for_export(export_id)
        await drill.own.system.stop(worker)
        return cls(owner=owner, job_id=job_id, evidence_id=str(evidence["id"]), export_id=export_id)

    @property
    def downloads(self) -> Mapping[str, Mapping[str, str]]:
        """The operations that give out large files, with the values of their paths."""
        return {
            "downloadExport": {"export_id": self.export_id},
            "getEvidenceContent": {"evidence_id": self.evidence_id},
        }

    async def given_out(self) -> Sequence[str]:
        """Give the operations by which instances give out files themselves.

        `Absent` if there are none: all are redirects to a storage, which holds up nobody else.
        """
        client, found = self.owner.client, []
        for operation_id, path in self.downloads.items():
            if client.has(operation_id):
                answer = await client.call(operation_id, path=path, follow=False)
                if not answer.is_redirect:
                    found.append(operation_id)
        if not found:
            raise Absent("a download by an instance itself", "[contract.redirects]")
        return found


@dataclass(frozen=True, kw_only=True)
class SlowReaders:
    """Reads large files slowly, and looks what becomes of the rest of the system meanwhile."""

    drill: WorkerDrill
    files: LargeFiles

    async def judge(self, operation_id: str) -> None:
        """Look beside the slow readers of one operation, and once they have left."""
        drill = self.drill
        async with drill.cells.of(operation=operation_id, when="it is read slowly"):
            async with self._reading(operation_id):
                await self._expect_others_answered(operation_id)
                if drill.own.control is not None:
                    await expect_no_open_transactions(drill.own.control, drill.own.system)
            drill.observe(READERS, what="downloads that were read slowly")
        await judge_health(
            drill.own, drill.cells, {"operation": operation_id, "when": "its readers have left"}
        )

    @asynccontextmanager
    async def _reading(self, operation_id: str) -> AsyncIterator[None]:
        """Have so many downloads in flight inside the block."""
        client, path = self.files.owner.client, self.files.downloads[operation_id]
        async with AsyncExitStack() as reading:
            for number in range(READERS):
                try:
                    await reading.enter_async_context(slow_download(client, operation_id, path))
                except NotInFlight as problem:
                    if not problem.is_refused or not number:
                        raise
                    raise _unanswered(
                        operation_id, number, f"{operation_id}: {problem}"
                    ) from problem
            yield

    async def _expect_others_answered(self, slow: str) -> None:
        """Fail unless requests that need the database are answered as ever."""
        client = self.files.owner.client
        others: Mapping[str, Mapping[str, str]] = {
            "getEvidence": {"evidence_id": self.files.evidence_id},
            "getExport": {"export_id": self.files.export_id},
            "getJob": {"job_id": self.files.job_id},
        }
        for operation_id, path in others.items():
            if not client.has(operation_id):
                continue
            try:
                answer = await client.call(operation_id, path=path)
            except NoAnswer as problem:
                raise _unanswered(slow, READERS, str(problem)) from problem
            expect(
                answer.status < _REFUSED,
                expected=_served_beside(slow, READERS),
                got=answer.describe(),
                rule=OTHERS_ANSWERED,
                subject=slow,
            )


def _served_beside(slow: str, readers: int) -> str:
    return (
        f"requests to be served while {readers} clients read {slow} slowly, each from a file of "
        "which most is still to be sent"
    )


def _unanswered(slow: str, readers: int, got: str) -> CheckFailed:
    return CheckFailed(
        expected=_served_beside(slow, readers), got=got, rule=OTHERS_ANSWERED, subject=slow
    )
