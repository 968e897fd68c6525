"""Every answer given under a key is given again, refusals included."""

from __future__ import annotations

from reference_backend.api import uploads
from reference_backend.defects import Defect, _helpers


def _patch() -> None:
    uploads._upload = _helpers.keep_refusals(uploads._upload)  # type: ignore[assignment]  # noqa: SLF001


DEFECT = Defect(
    title="A refusal is kept under its key: the corrected upload is refused forever",
    source="I7: failures cached with the answers",
    expected=("upload.refused-leaves-nothing",),
    patch=_patch,
)
