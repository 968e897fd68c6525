"""Every answer is kept under its key, refusals included."""

from __future__ import annotations

from reference_backend.api import uploads
from reference_backend.defects import Defect, _helpers


def _patch() -> None:
    uploads.upload_evidence = _helpers.keep_refusals(uploads.upload_evidence)  # type: ignore[assignment]


DEFECT = Defect(
    title="A refusal is kept under its key: the corrected upload is refused forever",
    source="I7: failures cached with the successes",
    expected=("idempotency.key-reuse",),
    patch=_patch,
)
