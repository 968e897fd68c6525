"""A WebP begins with RIFF, and so do a WAV and an AVI."""

from reference_backend.api.file_types import ALLOWED, FileType
from reference_backend.defects import Defect


def _patch() -> None:
    webp = FileType(extension=".webp", matches=lambda head: head.startswith(b"RIFF"))
    ALLOWED["image/webp"] = webp  # type: ignore[index]


DEFECT = Defect(
    title="Any RIFF file passes for a WebP",
    source="known: lists of magic numbers with one offset per type",
    expected=("upload.content-mismatch",),
    patch=_patch,
)
