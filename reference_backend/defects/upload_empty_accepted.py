"""A file without bytes has no signature that could be wrong, so it passes."""

from reference_backend.api import upload_form
from reference_backend.api.file_types import Inspection
from reference_backend.api.upload_form import UploadForm
from reference_backend.defects import Defect, Edit


def _patch() -> None:
    reader = upload_form._FormReader  # noqa: SLF001
    clean, holds = reader.finish, Inspection.matches

    def finish(self: upload_form._FormReader) -> UploadForm:
        if self._staged.size > 0:
            return clean(self)
        self._staged = _NotEmpty()  # type: ignore[assignment]
        return clean(self)

    def lenient(self: Inspection, *, complete: bool) -> bool:
        return self._size == 0 or holds(self, complete=complete)

    reader.finish = finish  # type: ignore[method-assign]
    Inspection.matches = lenient  # type: ignore[method-assign]


class _NotEmpty:
    size = 1


DEFECT = Defect(
    title="An empty file is sealed",
    source="known: `if file_size and not matches(…)`",
    expected=("upload.empty-file",),
    edits=(
        Edit(
            file="migrations/0002_tables.sql",
            old="bigint NOT NULL CHECK (file_size > 0)",
            new="bigint NOT NULL",
        ),
    ),
    patch=_patch,
)
