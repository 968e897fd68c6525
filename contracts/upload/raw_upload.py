"""Uploads whose every byte a check writes itself."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from harness.client import Answer, Client, Sample
from harness.client.multipart import closing, file_head, form_type, new_boundary
from harness.client.raw import RawConnection, chunk, connected

FRAME_ALLOWANCE = 64 * 1024
"""Bytes of an upload that the contract allows for everything but the file."""

TRUE_LENGTH = -1
"""Of a body as this backend names its parts."""


@dataclass(frozen=True, kw_only=True)
class RawUpload:
    """An upload to one job, sent by hand."""

    client: Client = field(repr=False)
    job_id: str
    boundary: str = field(default_factory=new_boundary)

    def head(self, sample: Sample) -> bytes:
        """What goes before the file's bytes."""
        head = file_head(self.boundary, "file", sample.file_name, sample.mime_type)
        return self.client.transport.form("uploadEvidence", head)

    def without_file(self, sample: Sample) -> bytes:
        """The whole form, its file under a name that no backend takes for the file."""
        head = file_head(self.boundary, "other", sample.file_name, sample.mime_type)
        return head + sample.content + self.tail

    @property
    def tail(self) -> bytes:
        """What goes after the file's bytes."""
        return b"\r\n" + closing(self.boundary)

    def body(self, sample: Sample) -> bytes:
        """The whole form with nothing but this file."""
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

        `key` is a fresh one and `content_type` that of the form unless given; None is none at all.
        """
        transport = self.client.transport
        chosen = transport.next_instance() if instance is None else instance
        route = self.client.routes["uploadEvidence"]
        headers = {"User-Agent": transport.user_agent}
        if content_type is not None:
            headers["Content-Type"] = content_type or form_type(self.boundary)
        authorization = f"Bearer {self.client.token}" if self.client.token is not None else ""
        if authorization:
            headers["Authorization"] = authorization
        if key is not None:
            headers["Idempotency-Key"] = key or str(uuid.uuid4())
        if length is None:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Content-Length"] = str(length)
        dialect = transport.dialect
        async with connected(
            transport.base_urls[chosen],
            method=route.method,
            path=route.path({"job_id": self.job_id}),
            headers=dialect.headers(headers) if dialect else headers,
            operation_id=route.operation_id,
            instance=chosen,
            translated=lambda answer: transport.translate(route, answer, authorization),
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
        """Send a body and give the answer. Its `length` is true unless given; None is chunked.

        All of the body is sent, also what lies beyond a `length` that is too small.
        """
        body = self.client.transport.form("uploadEvidence", body)
        claimed = len(body) if length == TRUE_LENGTH else length
        async with self.begin(
            length=claimed, key=key, content_type=content_type, instance=instance
        ) as connection:
            if claimed is None:
                body = (chunk(body) if body else b"") + chunk(b"")
            await connection.send(body)
            return await connection.answer()
