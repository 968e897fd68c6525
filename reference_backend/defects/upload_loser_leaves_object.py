"""Two uploads of the same bytes at once: the second finds the row taken, and forgets its object."""

from reference_backend.api import uploads
from reference_backend.api.context import Services
from reference_backend.defects import Defect


async def _remove(shared: Services, storage_path: str) -> None:
    return


def _patch() -> None:
    uploads._remove = _remove  # noqa: SLF001


DEFECT = Defect(
    title="An object whose record was not made after all stays in the storage",
    source="U9: renfield #396",
    expected=("upload.sha-dedup",),
    patch=_patch,
)
