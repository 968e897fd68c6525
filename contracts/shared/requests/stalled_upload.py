"""An upload whose body stops half way: a request that stays in flight for as long as we like."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

from harness.client import Answer, Client, NoAnswer, Record, Sample, together
from harness.client.multipart import encode_form

SENT_WITHIN_S = 5.0


@dataclass(kw_only=True)
class StalledUpload:
    """Half an upload. It is ended by `finish`, by `cut`, or by leaving the block it is made for."""

    _answer: asyncio.Task[Answer]
    _half_sent: asyncio.Event
    _go_on: asyncio.Event = field(repr=False)

    async def until_half_sent(self) -> None:
        """Wait until the first half is on its way, or an answer came before that."""
        sent = asyncio.ensure_future(self._half_sent.wait())
        try:
            await asyncio.wait(
                {sent, self._answer}, timeout=SENT_WITHIN_S, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            sent.cancel()

    async def answer_so_far(self, within_s: float) -> Answer | None:
        """The answer, if one comes although the body has not; None when none came in time."""
        with suppress(TimeoutError):
            return await asyncio.wait_for(asyncio.shield(self._answer), within_s)
        return None

    async def finish(self) -> Answer:
        """Send the rest and give the answer. `NoAnswer` as for any other request."""
        self._go_on.set()
        return await self._answer

    async def cut(self) -> None:
        """Close the connection in the middle of the body."""
        self._answer.cancel()
        with suppress(asyncio.CancelledError, NoAnswer):
            await self._answer


@asynccontextmanager
async def stalled_upload(
    client: Client,
    job: Record,
    sample: Sample,
    *,
    key: str | None,
    instance: int | None = None,
) -> AsyncIterator[StalledUpload]:
    """Send the first half of an upload, with a Content-Length that promises the whole."""
    form, content_type = encode_form({}, {"file": sample})
    body = client.transport.form("uploadEvidence", form)
    half_sent, go_on = asyncio.Event(), asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield body[: len(body) // 2]
        half_sent.set()
        await go_on.wait()
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
    stalled = StalledUpload(
        _answer=asyncio.ensure_future(sending), _half_sent=half_sent, _go_on=go_on
    )
    try:
        await stalled.until_half_sent()
        yield stalled
    finally:
        await stalled.cut()


async def finish_together(
    client: Client, job: Record, sample: Sample, keys_and_instances: Iterable[tuple[str, int]]
) -> list[Answer]:
    """Upload a file several times, so that the last bytes of all of them come at one moment.

    What is left to do by then is to look whether it is there, and to write it: the race that is
    lost by whoever does the one without being sure of the other.
    """
    async with AsyncExitStack() as stack:
        stalled = await together(
            stack.enter_async_context(
                stalled_upload(client, job, sample, key=key, instance=instance)
            )
            for key, instance in keys_and_instances
        )
        return await together([each.finish() for each in stalled])
