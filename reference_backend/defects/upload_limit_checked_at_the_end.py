"""The size is checked after the whole file was received: an endless upload fills the disk."""

import sys

from aiohttp import web

from reference_backend.api import upload_form
from reference_backend.api.upload_form import UploadForm
from reference_backend.defects import Defect
from reference_backend.storage.directory import StagedObject


def _patch() -> None:
    clean = upload_form.receive

    async def receive(
        request: web.Request, boundary: bytes, staged: StagedObject, *, max_bytes: int
    ) -> UploadForm:
        form = await clean(request, boundary, staged, max_bytes=sys.maxsize // 2)
        if staged.size > max_bytes:
            raise upload_form.too_large(max_bytes)
        return form

    upload_form.receive = receive


DEFECT = Defect(
    title="A streamed file is measured only after it was received completely",
    source="known: `if os.path.getsize(tmp) > LIMIT` behind the copy loop",
    expected=("upload.size-streamed",),
    patch=_patch,
)
