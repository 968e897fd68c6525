"""The check accepts every image and video type, SVG included."""

from collections.abc import Iterator, Mapping

from reference_backend.api import file_types, upload_form, uploads
from reference_backend.api.file_types import ALLOWED, FileType
from reference_backend.defects import Defect


class _Families(Mapping[str, FileType]):
    def __getitem__(self, mime_type: str) -> FileType:
        if mime_type in ALLOWED:
            return ALLOWED[mime_type]
        if mime_type.startswith(("image/", "video/")):
            return FileType(extension=".bin", matches=lambda _head: True)
        raise KeyError(mime_type)

    def __iter__(self) -> Iterator[str]:
        return iter(ALLOWED)

    def __len__(self) -> int:
        return len(ALLOWED)


def _patch() -> None:
    for module in (file_types, upload_form, uploads):
        module.ALLOWED = _Families()  # type: ignore[attr-defined]


DEFECT = Defect(
    title="Every image/* and video/* type is allowed",
    source='known: `mime.startswith("image/")`, and the SVG with a script in it',
    expected=("upload.type-allowlist",),
    patch=_patch,
)
