"""The form is taken in first, by the framework's own parser, and only then asked how large it was."""

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
    title="Too large a Content-Length is refused when the whole body has come in",
    source="known: every framework that parses forms before the handler runs",
    expected=("upload.size-limit",),
    patch=_patch,
)
