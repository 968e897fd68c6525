"""Uploads that are refused or interrupted, each in another way."""

import uuid
from dataclasses import dataclass, field, replace

from contracts.shared.requests.concurrent_requests import expect_new_evidence
from contracts.shared.requests.keyed_requests import expect_new, upload_of
from contracts.upload.mismatched_files import HTML
from contracts.upload.raw_upload import FRAME_ALLOWANCE, RawUpload
from harness.client import Client, Organization, Record, Sample, Samples
from harness.client.raw import RawConnection, chunk
from harness.expect import expect_status

MiB = 1024 * 1024
LARGE = 3 * MiB
"""More than a server is likely to hold in memory before it writes."""


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
    done: list[Refusal] = field(default_factory=list)

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
        async with self._upload().begin(length=self.limit + FRAME_ALLOWANCE + 1) as connection:
            expect_status(await connection.answer(), 413, detail="too large a Content-Length")
        self._note("413 for its Content-Length")
        upload, sample = self._upload(), self.samples.new("video/mp4")
        async with upload.begin(length=None) as connection:
            await connection.send(chunk(upload.head(sample) + sample.content))
            piece = chunk(bytes(MiB))
            while connection.sent < self.limit + 8 * MiB and await connection.send(piece):
                pass
            expect_status(await connection.answer(), 413, detail="streamed beyond the limit")
        self._note("413 while it was streamed")

    async def _by_type(self) -> None:
        for size in (None, LARGE):
            real = self.samples.new() if size is None else self.samples.of_size(size)
            of = f"of {real.size} bytes"
            wrong = Sample(real.file_name, "text/html", real.content)
            await self._refused(wrong, 415, what=f"415, a file {of}", retry=real)
            real = self.samples.new() if size is None else self.samples.of_size(size)
            wrong = Sample(real.file_name, "image/jpeg", real.content)
            await self._refused(wrong, 422, what=f"422 content_mismatch, a file {of}", retry=real)
        page = Sample("a.png", "image/png", HTML + bytes(LARGE))
        await self._refused(page, 422, what="422 content_mismatch, HTML")

    async def _by_form(self) -> None:
        for size in (2000, LARGE):
            real, key, upload = self.samples.of_size(size), self._key(), self._upload()
            body = upload.body(real).removesuffix(upload.tail)
            expect_status(await upload.whole(body, key=key), 400, detail="no closing boundary")
            self._note(f"400 for a form that ends after {size} bytes", key=key, retry=real)
        real, upload = self.samples.of_size(LARGE), self._upload()
        body = upload.without_file(real)
        expect_status(await upload.whole(body), 400, detail="no part called file")
        self._note("400 for a form without a file")
        body = upload.body(self.samples.of_size(LARGE))
        answer = await upload.whole(body, key=None)
        expect_status(answer, 400, detail="no Idempotency-Key")
        self._note("400 for no Idempotency-Key")
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
            large = self.samples.of_size(LARGE)
            await self._refused(large, 404, what=what, job_id=job_id)

    async def _by_key(self) -> None:
        """The key of an accepted upload, with other bytes and with another job."""
        for what, job_id in (("other bytes", self.job_id), ("another job", self.other_job_id)):
            large = self.samples.of_size(LARGE)
            key = self.used_key
            answer = await self.org.client.upload(job_id, large, key=key)
            expect_status(answer, 422, detail=f"a used key with {what}")
            self._note(f"422 for a used key with {what}")

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
            real, key, upload = self.samples.of_size(LARGE), self._key(), self._upload()
            body = upload.body(real)
            sent = body[: int((len(body) - len(upload.tail)) * share)]
            async with upload.begin(length=None if chunked else len(body), key=key) as connection:
                await connection.send(chunk(sent) if chunked and sent else sent)
                await leave(connection)
            self._note(what, key=key, retry=real)

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
        key = self._key()
        answer = await (client or self.org.client).upload(job_id or self.job_id, sample, key=key)
        expect_status(answer, status, detail=what)
        self._note(what, key=key, retry=retry)

    def _upload(self) -> RawUpload:
        return RawUpload(client=self.org.client, job_id=self.job_id)

    @staticmethod
    def _key() -> str:
        return str(uuid.uuid4())

    def _note(self, what: str, *, key: str = "", retry: Sample | None = None) -> None:
        self.done.append(Refusal(what=what, key=key, retry=retry))


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
