"""The framework's parser reads the whole form before its size is checked."""

from aiohttp import web

from reference_backend.api import bodies, uploads
from reference_backend.api.context import services
from reference_backend.defects import Defect


def _patch() -> None:
    clean = uploads._upload  # noqa: SLF001

    async def upload(request: web.Request) -> web.Response:
        if (request.content_length or 0) > services(request).settings.max_upload_bytes:
            async for _chunk in bodies.chunks_of(request):
                pass
        return await clean(request)

    uploads._upload = upload  # noqa: SLF001


DEFECT = Defect(
    title="A Content-Length over the limit is refused only after the whole body was received",
    source="known: every framework that parses forms before the handler runs",
    expected=("upload.size-limit",),
    patch=_patch,
)
