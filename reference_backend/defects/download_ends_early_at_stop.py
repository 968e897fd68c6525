"""Downloads are chunked, and an instance that stops ends them in an orderly way."""

from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from reference_backend.api import downloads
from reference_backend.api.context import services
from reference_backend.defects import Defect


async def _stream(
    request: web.Request,
    response: web.StreamResponse,
    first: bytes,
    rest: AsyncIterator[bytes],
) -> None:
    chunk = first
    while chunk and not services(request).requests.draining:
        await response.write(chunk)
        chunk = await anext(rest, b"")
    await response.write_eof()


def _patch() -> None:
    downloads._stream = _stream  # noqa: SLF001
    clean = web.StreamResponse.prepare

    async def prepare(
        self: web.StreamResponse, request: web.BaseRequest
    ) -> AbstractStreamWriter | None:
        if "Content-Disposition" in self.headers:
            self.content_length = None
        return await clean(self, request)

    web.StreamResponse.prepare = prepare  # type: ignore[method-assign]


DEFECT = Defect(
    title="A download has no Content-Length and ends early, but in order, when its instance stops",
    source="known: streaming generators that look at a stop flag",
    expected=("chaos.api-kill",),
    patch=_patch,
)
