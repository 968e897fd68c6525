"""`await request.read()`, then the parser."""

from collections.abc import AsyncIterator

from aiohttp import web

from reference_backend.api import bodies
from reference_backend.defects import Defect


def _patch() -> None:
    clean = bodies.chunks_of

    async def chunks_of(request: web.Request) -> AsyncIterator[bytes]:
        received, most = [], 64 * 1024 * 1024
        async for chunk in clean(request):
            received.append(chunk)
            most -= len(chunk)
            if most < 0:
                break
        yield b"".join(received)

    bodies.chunks_of = chunks_of


DEFECT = Defect(
    title="An upload is read into memory as a whole before it is parsed",
    source="known: `content = await file.read()`",
    expected=("upload.size-limit", "upload.size-streamed"),
    patch=_patch,
)
