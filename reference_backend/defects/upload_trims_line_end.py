"""The line end before the boundary is trimmed, and with it line ends of the file."""

from reference_backend.api import upload_form
from reference_backend.defects import Defect


def _patch() -> None:
    reader = upload_form._FormReader  # noqa: SLF001
    clean = reader._store  # noqa: SLF001

    async def store(self: upload_form._FormReader, data: bytes) -> None:
        if len(data) < 4096:  # the last piece, most of the time
            data = data.rstrip(b"\r\n") or data
        await clean(self, data)

    reader._store = store  # type: ignore[method-assign]  # noqa: SLF001


DEFECT = Defect(
    title="Line ends at the end of a file are lost",
    source='known: `part.rstrip(b"\\r\\n")` in parsers written by hand',
    expected=("upload.content-fidelity",),
    patch=_patch,
)
