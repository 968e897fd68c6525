"""A file must be smaller than the limit; the contract allows exactly the limit."""

from reference_backend.api import upload_form
from reference_backend.defects import Defect


def _patch() -> None:
    reader = upload_form._FormReader  # noqa: SLF001
    clean = reader._store  # noqa: SLF001

    async def store(self: upload_form._FormReader, data: bytes) -> None:
        if self._staged.size + len(data) >= self._max_bytes:
            raise upload_form.too_large(self._max_bytes)
        await clean(self, data)

    reader._store = store  # type: ignore[method-assign]  # noqa: SLF001


DEFECT = Defect(
    title="A file of exactly the limit counts as too large (`>=` for `>`)",
    source="known: the boundary of every limit",
    expected=("upload.size-limit", "upload.size-streamed"),
    patch=_patch,
)
