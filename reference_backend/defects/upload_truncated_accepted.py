"""The end of the body ends the last part, with or without its boundary."""

from reference_backend.api import multipart
from reference_backend.api.multipart import MultipartParser
from reference_backend.defects import Defect


def _finish(self: MultipartParser) -> None:
    if self._state is multipart._State.PREAMBLE:  # noqa: SLF001
        raise multipart.MalformedMultipartError("the body does not contain its boundary")


def _patch() -> None:
    MultipartParser.finish = _finish  # type: ignore[method-assign]


DEFECT = Defect(
    title="A form without its closing boundary is accepted: half a file is sealed",
    source="known: lenient multipart parsers, python-multipart among them",
    expected=("upload.malformed-multipart",),
    patch=_patch,
)
