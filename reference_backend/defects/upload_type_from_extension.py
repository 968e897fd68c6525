"""Browsers send wrong types, so the extension of the name decides."""

import mimetypes
from dataclasses import replace

from reference_backend.api import upload_form
from reference_backend.api.multipart import Part
from reference_backend.defects import Defect


def _patch() -> None:
    reader = upload_form._FormReader  # noqa: SLF001
    clean = reader._begin_file  # noqa: SLF001

    def begin_file(self: upload_form._FormReader, part: Part) -> None:
        guessed, _ = mimetypes.guess_type(part.file_name or "")
        clean(self, replace(part, content_type=guessed or part.content_type))

    reader._begin_file = begin_file  # type: ignore[method-assign]  # noqa: SLF001


DEFECT = Defect(
    title="The type of a file is guessed from the extension of its name",
    source="U4: NexaSphere #2932",
    expected=("upload.type-allowlist",),
    patch=_patch,
)
