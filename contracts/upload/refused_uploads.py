"""Uploads that are refused or interrupted, each in another way."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from contracts.shared.requests.concurrent_requests import expect_new_evidence
from contracts.shared.requests.keyed_requests import expect_new, upload_of
from contracts.upload.mismatched_files import HTML
from contracts.upload.raw_upload import FRAME_ALLOWANCE, RawUpload
from harness.client import Answer, Client, Organization, Record, Sample, Samples
from harness.client.http.raw import RawConnection, chunk
from harness.expect import expect_status
from harness.plugin.cells import Cells

MiB = 1024 * 1024
LARGE = 3 * MiB
"""More than a server is likely to hold in memory before it writes."""

RULES = {
    "413": "upload.size-limit",
    "415": "upload.type-allowlist",
    "content_mismatch": "upload.content-mismatch",
    "400 for no bytes": "upload.empty-file",
    "400 for a form": "upload.malformed-multipart",
    "used key": "idempotency.reuse-refused",
    "viewer": "tenancy.viewer",
    "token": "token.required",
    "404": "tenancy.foreign-looks-unknown",
}
"""Which rule an accepted upload breaks, by words in what it is called."""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """One upload that was refused or interrupted."""

    what: str
    key: str
    retry: Sample | None = None
    """The same file, to be sent correctly: with the same key it must be accepted."""


@dataclass(kw_only=True)
class Refusals:
    """Tries every way in which an upload can fail, and records them."""

    org: Organization
    samples: Samples
    limit: int
    job_id: str
    other_job_id: str
    """Of the same organization."""
    foreign_job_id: str
    used_key: str
    """Of an upload to the job that was accepted."""
    cells: Cells
    done: list[Refusal] = field(default_factory=list)
    accepted: dict[str, str] = field(default_factory=dict)
    """What was accepted wrongly: the ID of its job by the ID of the evidence."""

    @property
    def large(self) -> int:
        """Bytes of a large file that the backend takes."""
        return min(LARGE, self.limit)

    async def all(self) -> list[Refusal]:
        """Try them all, and give what was refused."""
        await self._by_size()
        await self._by_type()
        await self._by_form()
        await self._by_identity()
        await self._by_key()
        await self._by_interruption()
        return self.done

    async def _by_size(self) -> None:
        async with self._cell("413 for its Content-Length") as refusal:
            length = self.limit + FRAME_ALLOWANCE + 1
            async with self._upload().begin(length=length) as connection:
                self._expect(await connection.answer(), 413, refusal)
        async with self._cell("413 while it was streamed") as refusal:
            upload, sample = self._upload(), self.samples.new("video/mp4")
            async with upload.begin(length=None) as connection:
                await connection.send(chunk(upload.head(sample) + sample.content))
                piece = chunk(bytes(MiB))
                while connection.sent < self.limit + 8 * MiB and await connection.send(piece):
                    pass
                self._expect(await connection.answer(), 413, refusal)

    async def _by_type(self) -> None:
        for size, of in ((None, "a small file"), (self.large, "a large file")):
            real = self.samples.new() if size is None else self.samples.of_size(size)
            wrong = Sample(real.file_name, "text/html", real.content)
            await self._refused(wrong, 415, what=f"415, {of}", retry=real)
            real = self.samples.new() if size is None else self.samples.of_size(size)
            wrong = Sample(real.file_name, "image/jpeg", real.content)
            await self._refused(wrong, 422, what=f"422 content_mismatch, {of}", retry=real)
        page = Sample("a.png", "image/png", HTML + bytes(self.large - len(HTML)))
        await self._refused(page, 422, what="422 content_mismatch, HTML")

    async def _by_form(self) -> None:
        for size in (2000, self.large):
            real, upload = self.samples.of_size(size), self._upload()
            what = f"400 for a form that ends after {size} bytes"
            async with self._cell(what, retry=real) as refusal:
                body = upload.body(real).removesuffix(upload.tail)
                self._expect(await upload.whole(body, key=refusal.key), 400, refusal)
        real, upload = self.samples.of_size(self.large), self._upload()
        async with self._cell("400 for a form without a file") as refusal:
            self._expect(await upload.whole(upload.without_file(real)), 400, refusal)
        async with self._cell("400 for no Idempotency-Key") as refusal:
            body = upload.body(self.samples.of_size(self.large))
            self._expect(await upload.whole(body, key=None), 400, refusal)
        await self._refused(Sample("a.png", "image/png", b""), 400, what="400 for no bytes")

    async def _by_identity(self) -> None:
        for what, client, status in (
            ("403 for a viewer", self.org.as_role("viewer"), 403),
            ("401 without a token", replace(self.org.client, token=None), 401),
        ):
            real = self.samples.new()
            await self._refused(real, status, what=what, client=client, retry=real)
        for what, job_id in (
            ("404 for a job that does not exist", str(uuid.uuid4())),
            ("404 for the job of another organization", self.foreign_job_id),
        ):
            large = self.samples.of_size(self.large)
            await self._refused(large, 404, what=what, job_id=job_id)

    async def _by_key(self) -> None:
        """The key of an accepted upload, with other bytes and with another job."""
        for what, job_id in (("other bytes", self.job_id), ("another job", self.other_job_id)):
            async with self._cell(f"422 for a used key with {what}") as refusal:
                large = self.samples.of_size(self.large)
                answer = await self.org.client.upload(job_id, large, key=self.used_key)
                self._expect(answer, 422, refusal)

    async def _by_interruption(self) -> None:
        """Uploads whose client closes or resets the connection in the middle."""
        for what, share, leave, chunked in (
            ("closed after the headers", 0.0, RawConnection.close, False),
            ("closed half way", 0.5, RawConnection.close, False),
            ("closed half way, in chunks", 0.5, RawConnection.close, True),
            ("reset half way", 0.5, RawConnection.reset, False),
            ("reset half way, in chunks", 0.5, RawConnection.reset, True),
            ("closed before the last boundary", 1.0, RawConnection.close, False),
        ):
            real, upload = self.samples.of_size(self.large), self._upload()
            body = upload.body(real)
            sent = body[: int((len(body) - len(upload.tail)) * share)]
            length = None if chunked else len(body)
            async with (
                self._cell(what, retry=real) as refusal,
                upload.begin(length=length, key=refusal.key) as connection,
            ):
                await connection.send(chunk(sent) if chunked and sent else sent)
                await leave(connection)

    async def _refused(
        self,
        sample: Sample,
        status: int,
        *,
        what: str,
        client: Client | None = None,
        job_id: str | None = None,
        retry: Sample | None = None,
    ) -> None:
        async with self._cell(what, retry=retry) as refusal:
            sender, job = client or self.org.client, job_id or self.job_id
            self._expect(await sender.upload(job, sample, key=refusal.key), status, refusal)

    @asynccontextmanager
    async def _cell(self, what: str, *, retry: Sample | None = None) -> AsyncIterator[Refusal]:
        """A cell for one upload that must be refused; it is remembered if it was."""
        refusal = Refusal(what=what, key=str(uuid.uuid4()), retry=retry)
        async with self.cells.of(operation="uploadEvidence", case=what):
            yield refusal
            self.done.append(refusal)

    def _expect(self, answer: Answer, status: int, refusal: Refusal) -> None:
        """Fail unless an upload is refused with this status; remember it if it was accepted."""
        if answer.status in {200, 201}:
            self.accepted[str(answer.data["id"])] = str(answer.data["job_id"])
        rule = next((rule for words, rule in RULES.items() if words in refusal.what), "")
        expect_status(answer, status, detail=refusal.what, rule=rule)

    def _upload(self) -> RawUpload:
        return RawUpload(client=self.org.client, job_id=self.job_id)


async def accepted_after_refusal(org: Organization, job: Record, refusal: Refusal) -> str:
    """Send the file of a refusal correctly with its key, and give the record's ID.

    Only a 2xx is replayed, so the request is new. After an interruption the key may stay in flight
    for a moment.
    """
    assert refusal.retry is not None
    request = upload_of(job, refusal.retry)
    answer = await request.send_until_decided(org.client, refusal.key)
    detail = f"the same file with the same key, sent correctly, after: {refusal.what}"
    expect_new(answer, request, detail=detail)
    expect_new_evidence(answer, detail)
    return str(answer.data["id"])
