"""Uploads whose bytes a check writes itself."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from harness.client import Answer, Client, Sample
from harness.client.http.raw import RawConnection, chunk, connected
from harness.client.multipart import closing, file_head, form_type, new_boundary

FRAME_ALLOWANCE = 64 * 1024
"""Bytes that the contract allows for everything in an upload except the file."""

TRUE_LENGTH = -1
"""The length of the body in the backend's dialect."""


@dataclass(frozen=True, kw_only=True)
class RawUpload:
    """An upload to one job, byte by byte."""

    client: Client = field(repr=False)
    job_id: str
    boundary: str = field(default_factory=new_boundary)

    def head(self, sample: Sample) -> bytes:
        """The bytes before the file."""
        head = file_head(self.boundary, "file", sample.file_name, sample.mime_type)
        return self.client.transport.form("uploadEvidence", head)

    def without_file(self, sample: Sample) -> bytes:
        """The whole form, with the file in a field that is not `file`."""
        head = file_head(self.boundary, "other", sample.file_name, sample.mime_type)
        return head + sample.content + self.tail

    @property
    def tail(self) -> bytes:
        """The bytes after the file."""
        return b"\r\n" + closing(self.boundary)

    def body(self, sample: Sample) -> bytes:
        """The whole form with only this file."""
        return self.head(sample) + sample.content + self.tail

    @asynccontextmanager
    async def begin(
        self,
        *,
        length: int | None,
        key: str | None = "",
        content_type: str | None = "",
        instance: int | None = None,
    ) -> AsyncIterator[RawConnection]:
        """Send the request's head: with a Content-Length, or chunked where `length` is None.

        The default `key` is a new one, the default `content_type` that of the form; None sends
        no such header.
        """
        transport = self.client.transport
        chosen = transport.next_instance() if instance is None else instance
        route = self.client.routes["uploadEvidence"]
        headers = {"User-Agent": transport.user_agent}
        if content_type is not None:
            headers["Content-Type"] = content_type or form_type(self.boundary)
        authorization = (await self.client.authorization()).get("authorization", "")
        if authorization:
            headers["Authorization"] = authorization
        if key is not None:
            headers["Idempotency-Key"] = key or str(uuid.uuid4())
        if length is None:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Content-Length"] = str(length)
        path = route.path({"job_id": self.job_id})
        path, sent = transport.head(route.operation_id, path, headers)
        async with connected(
            transport.base_urls[chosen],
            method=route.method,
            path=path,
            headers=sent,
            operation_id=route.operation_id,
            instance=chosen,
            translated=lambda answer: transport.translate(route, answer, authorization),
            patience=transport.patience,
            log=transport.log_begun(chosen),
        ) as connection:
            yield connection

    async def whole(
        self,
        body: bytes,
        *,
        length: int | None = TRUE_LENGTH,
        key: str | None = "",
        content_type: str | None = "",
        instance: int | None = None,
    ) -> Answer:
        """Send a body and give the answer. `length` is the true one unless given; None is chunked.

        The whole body is sent, also when `length` is too small.
        """
        body = self.client.transport.form("uploadEvidence", body)
        claimed = len(body) if length == TRUE_LENGTH else length
        if claimed is None:
            body = (chunk(body) if body else b"") + chunk(b"")
        while True:
            async with self.begin(
                length=claimed, key=key, content_type=content_type, instance=instance
            ) as connection:
                await connection.send(body)
                answer = await connection.answer(may_repeat=True)
            if not await self.client.transport.patience.waits(answer):
                return answer
