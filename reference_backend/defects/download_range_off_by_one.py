"""The end of a byte range is treated as exclusive."""

from dataclasses import replace

from reference_backend.api import downloads
from reference_backend.api.ranges import ByteRange, parse_range
from reference_backend.defects import Defect


def _parse(header: str | None, size: int) -> ByteRange | None:
    part = parse_range(header, size)
    if part is None or part.length < 2 or part.stop == size:
        return part
    return replace(part, stop=part.stop - 1)


def _patch() -> None:
    downloads.parse_range = _parse  # type: ignore[attr-defined]


DEFECT = Defect(
    title="A byte range lacks its last byte: the end is inclusive (RFC 9110, section 14.1.2)",
    source="known: `data[start:end]`",
    expected=("upload.content-fidelity",),
    patch=_patch,
)
