"""An upload whose body stops half way: a request that stays in flight as long as a check needs."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from harness.client.answers.answer import Answer
from harness.client.answers.record import Record
from harness.client.client import Client
from harness.client.concurrency import together
from harness.client.http.no_answer import NoAnswer
from harness.client.multipart import encode_form
from harness.client.samples import Sample

SENT_WITHIN_S = 5.0


@dataclass(kw_only=True)
class StalledUpload:
    """Half an upload. It ends with `finish`, with `disconnect`, or with the end of its block."""

    _answer: asyncio.Task[Answer]
    _send_rest: asyncio.Event = field(repr=False)

    async def early_answer(self, within_s: float) -> Answer | None:
        """The answer, if there is one before the rest is sent; None when there is none in time."""
        with suppress(TimeoutError):
            return await asyncio.wait_for(asyncio.shield(self._answer), within_s)
        return None

    async def finish(self) -> Answer:
        """Send the rest and give the answer. `NoAnswer` as for any other request."""
        self._send_rest.set()
        return await self._answer

    async def disconnect(self) -> None:
        """Close the connection in the middle of the body."""
        self._answer.cancel()
        with suppress(asyncio.CancelledError, NoAnswer):
            await self._answer


@asynccontextmanager
async def stalled_upload(
    client: Client,
    job: Mapping[str, Any],
    sample: Sample,
    *,
    key: str | None,
    instance: int | None = None,
) -> AsyncIterator[StalledUpload]:
    """Send the first half of an upload, with the Content-Length of the whole."""
    form, content_type = encode_form({}, {"file": sample})
    body = client.transport.form("uploadEvidence", form)
    half_sent, send_rest = asyncio.Event(), asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield body[: len(body) // 2]
        half_sent.set()
        await send_rest.wait()
        yield body[len(body) // 2 :]

    headers = {"content-type": content_type, "content-length": str(len(body))}
    if key is not None:
        headers["idempotency-key"] = key
    sending = client.call(
        "uploadEvidence",
        path={"job_id": job["id"]},
        content=pieces(),
        headers=headers,
        instance=instance,
    )
    answer = asyncio.ensure_future(sending)
    answer.add_done_callback(lambda _: half_sent.set())
    stalled = StalledUpload(_answer=answer, _send_rest=send_rest)
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(half_sent.wait(), SENT_WITHIN_S)
        yield stalled
    finally:
        await stalled.disconnect()


async def finish_together(
    client: Client, job: Record, sample: Sample, keys_and_instances: Iterable[tuple[str, int]]
) -> list[Answer]:
    """Upload a file several times, so that the last bytes of all uploads arrive together.

    What each request still has to do then is to look whether the file is there, and to write it:
    a backend that does not make sure of both in one step stores it twice.
    """
    async with AsyncExitStack() as stack:
        stalled = await together(
            stack.enter_async_context(
                stalled_upload(client, job, sample, key=key, instance=instance)
            )
            for key, instance in keys_and_instances
        )
        return await together([each.finish() for each in stalled])
