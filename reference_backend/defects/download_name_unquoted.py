"""The file's name goes into the header as it is."""

from reference_backend.api import downloads
from reference_backend.defects import Defect


def _attachment(file_name: str) -> str:
    return f'attachment; filename="{file_name}"'


def _patch() -> None:
    downloads.attachment = _attachment


DEFECT = Defect(
    title="Content-Disposition carries the client's file name unquoted: a quote in it adds parameters",
    source="known: header injection by file name, RFC 6266, section 4.3",
    expected=("upload.filename-traversal",),
    patch=_patch,
)
