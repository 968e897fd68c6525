"""A WebP begins with RIFF, and so do WAV and AVI files."""

from reference_backend.api.file_types import ALLOWED, FileType
from reference_backend.defects import Defect


def _patch() -> None:
    webp = FileType(extension=".webp", matches=lambda head: head.startswith(b"RIFF"))
    ALLOWED["image/webp"] = webp  # type: ignore[index]


DEFECT = Defect(
    title="Any RIFF file is accepted as WebP",
    source="known: lists of magic numbers with one offset per type",
    expected=("upload.content-mismatch",),
    patch=_patch,
)
