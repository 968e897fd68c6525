"""The limit applies to the whole body; but a form is larger than the file in it."""

from reference_backend.api import upload_form
from reference_backend.defects import Defect


def _patch() -> None:
    upload_form.FRAME_ALLOWANCE = 0


DEFECT = Defect(
    title="The limit of a file is applied to its form: a file of exactly 50 MiB is refused",
    source="known: client_max_body_size set to the file's limit",
    expected=("upload.size-limit", "upload.size-streamed"),
    patch=_patch,
)
