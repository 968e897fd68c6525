"""Players that resume send `bytes=N-`; no client was tested with a range at the end of the file."""

import re
from dataclasses import replace

from reference_backend.api import downloads
from reference_backend.api.ranges import ByteRange, parse_range
from reference_backend.defects import Defect


def _parse(header: str | None, size: int) -> ByteRange | None:
    part = parse_range(header, size)
    suffix = re.fullmatch(r"bytes=-(\d+)", header or "")
    if part is not None and suffix is not None:
        # Read as "the first so many bytes".
        return replace(part, start=0, stop=min(int(suffix[1]), size))
    return part


def _patch() -> None:
    downloads.parse_range = _parse  # type: ignore[attr-defined]


DEFECT = Defect(
    title="`bytes=-500` returns the first bytes instead of the last ones",
    source="known: int(start or 0)",
    expected=("upload.content-fidelity",),
    patch=_patch,
)
