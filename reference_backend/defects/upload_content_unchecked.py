"""The declared type is trusted."""

from reference_backend.api.file_types import Inspection
from reference_backend.defects import Defect


def _holds(self: Inspection, *, complete: bool) -> bool:
    return True


def _patch() -> None:
    Inspection.matches = _holds  # type: ignore[method-assign]


DEFECT = Defect(
    title="A file's bytes are not checked: HTML declared as PNG is sealed",
    source="U3: taskora #118",
    expected=("upload.content-mismatch",),
    patch=_patch,
)
