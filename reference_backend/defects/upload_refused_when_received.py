"""A refusal waits until the rest of the body was received, to keep the connection."""

from aiohttp import web

from reference_backend.api import bodies, uploads
from reference_backend.api.problems import Problem
from reference_backend.defects import Defect


def _patch() -> None:
    clean = uploads._upload  # noqa: SLF001

    async def upload(request: web.Request) -> web.Response:
        try:
            return await clean(request)
        except Problem:
            async for _chunk in bodies.chunks_of(request):
                pass
            raise

    uploads._upload = upload  # noqa: SLF001


DEFECT = Defect(
    title="Every refusal waits for the end of the body, also 413 and missing keys",
    source="known: servers that drain a request to reuse its connection",
    expected=("upload.malformed-multipart", "upload.size-limit", "upload.size-streamed"),
    patch=_patch,
)
