"""An API instance that is killed, or gets SIGTERM, with an upload and a download in flight."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from chaos.drills.cut_writes.agreement import expect_agreement, outcome_of
from chaos.drills.cut_writes.writes import Upload
from chaos.drills.new_exports import new_job
from chaos.drills.slow_download import SlowDownload, slow_download
from chaos.drills.worker_drill import WorkerDrill
from chaos.faults.kill_instances import kill_instances
from harness.client import Client, Sample
from harness.client.stalled_upload import StalledUpload, stalled_upload
from harness.errors import Inconclusive
from harness.expect import expect, expect_status
from harness.findings.preconditions import precondition

LARGE_BYTES = 24 * 1024 * 1024
"""Of a download: far more than what waits in sockets."""

UPLOAD_BYTES = 2 * 1024 * 1024
SMALL_BYTES = 300 * 1024

VICTIM, OTHER = 0, 1
"""The instance that is stopped, and the one that goes on."""

UPLOADS = 3
"""How many are acknowledged just before the kill."""

_ROUNDS = 3


@dataclass(kw_only=True)
class StoppedInstances:
    """One system with two API instances, one of which is stopped again and again."""

    drill: WorkerDrill
    large: Sample
    evidence_id: str
    reading: Client
    """Who downloads the large file."""
    has_downloads: bool
    """Whether instances give out the bytes themselves."""
    victim: int = VICTIM
    other: int = OTHER

    @classmethod
    async def of(cls, drill: WorkerDrill) -> "StoppedInstances":
        """Upload the file that is downloaded."""
        org, job_id = await new_job(drill, evidence=False)
        size = min(LARGE_BYTES, drill.target.limits.max_upload_bytes)
        large = drill.backlog.samples.of_size(size)
        with precondition("upload.accepted"):
            evidence = await org.client.at(OTHER).new_evidence(job_id, large)
        path = {"evidence_id": evidence["id"]}
        got = await org.client.call("getEvidenceContent", path=path, instance=OTHER, follow=False)
        async with drill.cells.of(operation="getEvidenceContent", what="given out by instances"):
            if got.is_redirect:
                raise Inconclusive("downloads are redirects: none is in flight at an instance")
        return cls(
            drill=drill,
            large=large,
            evidence_id=str(evidence["id"]),
            reading=org.client,
            has_downloads=not got.is_redirect,
        )

    async def kill(self) -> None:
        """Kill the victim right after it has acknowledged uploads, with others in flight."""
        drill, system = self.drill, self.drill.own.system
        write = await self._new_upload(UPLOAD_BYTES)
        others = [await self._new_upload(SMALL_BYTES) for _ in range(_ROUNDS)]
        acknowledged = [await self._new_upload(SMALL_BYTES) for _ in range(UPLOADS)]
        async with self._in_flight(write) as (upload, download):
            sending = (outcome_of(each.send(self.victim)) for each in acknowledged)
            outcomes = await asyncio.gather(*sending)
            async with drill.injected(kill_instances(system, [system.api[self.victim]])):
                async with drill.cells.of(killed="an instance", others="go on"):
                    await self._expect_others_go_on(others)
                outcome = await outcome_of(upload.finish())
                if download is not None:
                    await self._judge_download(download, killed="an instance")
        for each, answered in zip(acknowledged, outcomes, strict=True):
            async with drill.cells.of(killed="an instance", operation="uploadEvidence, answered"):
                await expect_agreement(each, answered, "its instance was killed after its answer")
        async with drill.cells.of(killed="an instance", operation="uploadEvidence"):
            await expect_agreement(write, outcome, "its instance was killed when half was sent")
        async with drill.cells.of(killed="an instance", restarted="works"):
            again = await self._new_upload(SMALL_BYTES)
            expect_status(await again.send(self.victim), 201)
        drill.observe(what="instances that were killed with requests in flight")

    async def stop(self) -> None:
        """Send SIGTERM to the victim with requests in flight, and go on with these at once."""
        drill, system = self.drill, self.drill.own.system
        write = await self._new_upload(UPLOAD_BYTES)
        others = [await self._new_upload(SMALL_BYTES) for _ in range(_ROUNDS)]
        victim = system.api[self.victim]
        async with self._in_flight(write) as (upload, download):
            stopping = asyncio.ensure_future(system.stop(victim))
            try:
                async with drill.cells.of(sigterm="an instance", others="go on"):
                    await self._expect_others_go_on(others)
                outcome = await outcome_of(upload.finish())
                if download is not None:
                    await self._judge_download(download, sigterm="an instance")
            finally:
                await asyncio.wait({stopping})
        code = stopping.result()
        grace_s = drill.target.api.stop_grace_s
        async with drill.cells.of(sigterm="an instance", operation="uploadEvidence"):
            expect(
                outcome is not None,
                expected="an upload in flight when its instance gets SIGTERM to be answered: its "
                f"client sent the rest at once, and the instance has {grace_s:g} s ([api] "
                "stop_grace_s)",
                got=f"no answer; the instance ended with {code}",
                rule="api.stop-answers",
                subject="uploadEvidence",
            )
            await expect_agreement(write, outcome, "its instance got SIGTERM when half was sent")
        await system.restart(victim)
        drill.observe(what="instances that got SIGTERM with requests in flight")

    async def _new_upload(self, size: int) -> Upload:
        org, job_id = await new_job(self.drill, evidence=False)
        samples = self.drill.backlog.samples
        return Upload(
            org=org,
            reads_at=self.other,
            job_id=job_id,
            sample=samples.of_size(size),
            other=samples.of_size(SMALL_BYTES),
        )

    @asynccontextmanager
    async def _in_flight(
        self, write: Upload
    ) -> AsyncIterator[tuple[StalledUpload, SlowDownload | None]]:
        """Have half an upload sent, and the beginning of a download read, inside the block."""
        async with stalled_upload(
            write.org.client,
            {"id": write.job_id},
            write.sample,
            key=write.own_key,
            instance=self.victim,
        ) as upload:
            if await upload.early_answer(0):
                raise Inconclusive("the upload was answered before all of it was sent")
            if not self.has_downloads:
                yield upload, None
                return
            path = {"evidence_id": self.evidence_id}
            async with slow_download(
                self.reading, "getEvidenceContent", path, self.victim
            ) as download:
                yield upload, download

    async def _expect_others_go_on(self, others: Sequence[Upload]) -> None:
        """Fail unless the other instance serves reads, and these writes."""
        for write in others:
            path = {"evidence_id": self.evidence_id}
            read = await self.reading.call("getEvidence", path=path, instance=self.other)
            expect_status(read, 200)
            expect_status(await write.send(self.other), 201)

    async def _judge_download(self, download: SlowDownload, **how: str) -> None:
        """Fail where a part looks whole: cut off by an error is all that a stopped one may be."""
        async with self.drill.cells.of(operation="getEvidenceContent", **how):
            got = await download.rest()
            expect(
                got is None or got == self.large.content,
                expected=f"a download that is cut to be seen as cut: {self.large.size} bytes, or "
                "an end that its Content-Length or its last chunk shows to be none",
                got=f"{len(got or b'')} bytes that look whole",
                rule="api.stop-cuts-visibly",
                subject="getEvidenceContent",
            )
