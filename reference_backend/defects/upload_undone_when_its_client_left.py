"""Who leaves during an upload does not want it: its object is removed."""

from aiohttp import web

from reference_backend.api import uploads
from reference_backend.api.context import services
from reference_backend.api.idempotency import RecordedAnswer
from reference_backend.defects import Defect
from reference_backend.storage.directory import StagedObject


def _patch() -> None:
    clean = uploads._store_and_seal  # noqa: SLF001

    async def store_and_seal(
        request: web.Request, upload: uploads._Upload, staged: StagedObject
    ) -> RecordedAnswer:
        answer = await clean(request, upload, staged)
        if request.transport is None or request.transport.is_closing():
            await services(request).storage.delete(upload.storage_path)
        return answer

    uploads._store_and_seal = store_and_seal  # noqa: SLF001


DEFECT = Defect(
    title="The object of an upload whose client has left is removed, though its record was committed",
    source="known: cleaning up on `close` of the request, in Node and in ASGI servers",
    expected=("chaos.half-written",),
    patch=_patch,
)
