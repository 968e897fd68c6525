"""The limit is compared with Content-Length, which a chunked upload does not have."""

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
        return await clean(request, boundary, staged, max_bytes=sys.maxsize // 2)

    upload_form.receive = receive


DEFECT = Defect(
    title="Only Content-Length is compared with the limit: a chunked upload may have any size",
    source="U1: danbooru #3552, streamlit #16207",
    expected=("upload.size-streamed", "upload.size-limit"),
    patch=_patch,
)
