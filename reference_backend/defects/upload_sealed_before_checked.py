"""The record is created as soon as the bytes are stored; the type is checked afterwards."""

from __future__ import annotations

from aiohttp import web

from reference_backend.api import uploads
from reference_backend.api.context import services
from reference_backend.api.file_types import Inspection
from reference_backend.api.idempotency import RecordedAnswer
from reference_backend.api.problems import Problem
from reference_backend.defects import Defect
from reference_backend.storage.directory import StagedObject


def _patch() -> None:
    matches, clean = Inspection.matches, uploads._store_and_seal  # noqa: SLF001

    def postponed(self: Inspection, *, complete: bool) -> bool:
        return True

    async def store_and_seal(
        request: web.Request, upload: uploads._Upload, staged: StagedObject
    ) -> RecordedAnswer:
        answer = await clean(request, upload, staged)
        inspection = Inspection(upload.form.mime_type)
        async for chunk in services(request).storage.read(upload.storage_path):
            inspection.feed(chunk)
        if not matches(inspection, complete=True):
            raise Problem("content_mismatch", "The file's content is not of its type.")
        return answer

    Inspection.matches = postponed  # type: ignore[method-assign]
    uploads._store_and_seal = store_and_seal  # noqa: SLF001


DEFECT = Defect(
    title="A file with the wrong content is refused after it was sealed",
    source="known: the antivirus scan behind the INSERT, without a way back",
    expected=("upload.refused-leaves-nothing",),
    patch=_patch,
)
