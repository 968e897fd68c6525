"""Of two concurrent uploads of the same bytes, the second does not remove its object."""

from __future__ import annotations

from reference_backend.api import uploads
from reference_backend.defects import Defect
from reference_backend.storage.directory import Storage


async def _remove(storage: Storage, path: str) -> None:
    return


def _patch() -> None:
    uploads._remove = _remove  # noqa: SLF001


DEFECT = Defect(
    title="An object whose record was not created stays in the storage",
    source="U9: renfield #396",
    expected=("upload.sha-dedup",),
    patch=_patch,
)
