"""What a client declares is what a file is."""

from reference_backend.api.file_types import Inspection
from reference_backend.defects import Defect


def _holds(self: Inspection, *, complete: bool) -> bool:
    return True


def _patch() -> None:
    Inspection.holds = _holds  # type: ignore[method-assign]


DEFECT = Defect(
    title="Nobody looks at a file's bytes: HTML declared as a PNG is sealed as one",
    source="U3: taskora #118",
    expected=("upload.content-mismatch",),
    patch=_patch,
)
