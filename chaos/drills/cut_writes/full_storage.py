"""Uploads and exports that meet a storage which is full in the middle of a write, or read-only."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chaos.drills.cut_writes.agreement import expect_agreement, outcome_of
from chaos.drills.cut_writes.writes import Upload
from chaos.drills.new_exports import accepted, new_job
from chaos.drills.worker_drill import END, WorkerDrill
from chaos.faults.fault import Fault
from chaos.faults.harm_storage import fill_storage, make_storage_read_only, room
from harness.client import Organization
from harness.errors import Inconclusive
from harness.expect import SERVER_ERROR, expect, expect_status
from harness.vocabulary.exports import FAILED, PREPARING, QUEUED, READY
from harness.waiting import becomes_true

STORAGE_BYTES = 48 * 1024 * 1024
LEFT_BYTES = 1024 * 1024
"""What is left in a storage that is nearly full."""

LARGE_BYTES = 3 * 1024 * 1024
"""Of uploads, and of the evidence of exports: more than is left."""

GIVEN_BACK_WITHIN_S = 5.0
MAY_GROW_BYTES = 512 * 1024
"""What else a backend may write there meanwhile: some keep their database beside the objects."""

_POLL_S = 0.05


@dataclass(kw_only=True)
class FullStorage:
    """One system whose objects are on a small file system, with one API instance and a worker."""

    drill: WorkerDrill
    refused: list[Upload] = field(default_factory=list)

    @property
    def place(self) -> Path:
        """Where the objects are."""
        directory = self.drill.own.system.storage_dir
        assert directory is not None
        return directory

    async def run(self) -> None:
        """Take all turns, and judge the end; nothing is restarted in between."""
        drill, system = self.drill, self.drill.own.system
        exporting = [await self._job_to_export() for _ in range(2)]
        await system.start("worker")
        await self._hold(
            fill_storage(system, leave_bytes=LEFT_BYTES), exporting[0], storage="nearly full"
        )
        async with drill.cells.of(storage="read-only"):
            await self._hold(make_storage_read_only(system), exporting[1], storage="read-only")
        for upload in self.refused:
            async with drill.cells.of(operation="uploadEvidence", storage="works again"):
                await expect_agreement(upload, None, "the storage took no writes")
        async with drill.cells.of(operation="uploadEvidence", storage="works again, another"):
            expect_status(await (await self._new_upload()).send(), 201)
        await self._end()

    async def _hold(self, fault: Fault, job: tuple[Organization, str], *, storage: str) -> None:
        """Upload and export while a fault holds."""
        drill = self.drill
        upload = await self._new_upload()
        async with drill.injected(fault):
            before = room(self.place)
            answer = await outcome_of(upload.send())
            async with drill.cells.of(operation="uploadEvidence", storage=storage):
                if answer is not None and answer.status >= 400:
                    expect(
                        answer.status >= SERVER_ERROR,
                        expected=f"5xx from uploadEvidence when its storage is {storage}: the "
                        "client may send it again",
                        got=answer.describe(),
                        rule="storage-full.refused",
                        subject="uploadEvidence",
                    )
                if answer is None or answer.status >= SERVER_ERROR:
                    await self._expect_given_back(before, storage)
            export_id = await self._request(job)
            if export_id is not None:
                await self._wait_until_tried(export_id)
        if answer is not None and answer.status < 400:
            async with drill.cells.of(operation="uploadEvidence", storage=f"{storage}, accepted"):
                await expect_agreement(upload, answer, f"the storage was {storage}")
        self.refused.append(upload)
        drill.observe(what="times that the storage took no writes")

    async def _request(self, job: tuple[Organization, str]) -> str | None:
        org, job_id = job
        answer = await outcome_of(org.client.request_export(job_id))
        if answer is None or answer.status != 202:
            return None  # its database may be on the same storage
        accepted(self.drill, org, str(answer.data["id"]))
        return str(answer.data["id"])

    async def _expect_given_back(self, before: int, storage: str) -> None:
        """Fail unless what a refused upload has used is free again."""

        def is_back() -> bool:
            return room(self.place) >= before - MAY_GROW_BYTES

        await becomes_true(is_back, GIVEN_BACK_WITHIN_S, poll_s=_POLL_S)
        expect(
            is_back(),
            expected=f"an upload that was refused because the storage is {storage} to leave "
            "nothing there",
            got=f"{before - room(self.place)} bytes fewer are free",
            rule="storage-full.leaves-nothing",
            subject="uploadEvidence",
        )

    async def _wait_until_tried(self, export_id: str) -> None:
        """Wait until a worker has tried it, and failed in one way or the other."""
        drill, owner = self.drill, self.drill.backlog.owners[export_id]
        seen: set[str] = set()

        async def was_tried() -> bool:
            state = str((await owner.client.get_export(export_id))["state"])
            seen.add(state)
            return state in {READY, FAILED} or (state == QUEUED and PREPARING in seen)

        times = drill.times
        within_s = times.stuck_timeout_s + times.sweep_interval_s + drill.target.pace.wait_s(2.0)
        await becomes_true(was_tried, within_s, poll_s=_POLL_S)

    async def _job_to_export(self) -> tuple[Organization, str]:
        org, job_id = await new_job(self.drill, evidence=False)
        await org.client.new_evidence(job_id, self.drill.backlog.samples.of_size(LARGE_BYTES))
        return org, job_id

    async def _new_upload(self) -> Upload:
        org, job_id = await new_job(self.drill, evidence=False)
        samples = self.drill.backlog.samples
        return Upload(
            org=org,
            reads_at=0,
            job_id=job_id,
            sample=samples.of_size(LARGE_BYTES),
            other=samples.of_size(LEFT_BYTES),
        )

    async def _end(self) -> None:
        """Retry what has failed; in the end each export is ready, once, and downloads whole."""
        drill = self.drill
        await self._wait_until_ended()
        failed: Sequence[str] = [each.id for each in drill.final.exports if each.state == FAILED]
        for each in failed:
            owner = drill.backlog.owners[each]
            answer = await owner.client.call("retryExport", path={"export_id": each})
            expect_status(answer, 202)
        if failed:
            await self._wait_until_ended()
        drill.looks.harmed({"job": each} for each in drill.backlog.owners)
        await drill.look(drill.final, downloads=True)
        await drill.judge(drill.looks.judge(END, ended=True), what=END)
        if drill.looks.incomplete and not drill.cells.findings:
            raise Inconclusive("; ".join(drill.looks.incomplete))

    async def _wait_until_ended(self) -> None:
        drill = self.drill
        drill.seen = await drill.view.wait_until_ended(drill.times, lambda _observed, _now: False)
