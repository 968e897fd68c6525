"""Of two concurrent uploads of the same bytes, the second does not remove its object."""

from reference_backend.api import uploads
from reference_backend.api.context import Services
from reference_backend.defects import Defect


async def _remove(shared: Services, storage_path: str) -> None:
    return


def _patch() -> None:
    uploads._remove = _remove  # noqa: SLF001


DEFECT = Defect(
    title="An object whose record was not created stays in the storage",
    source="U9: renfield #396",
    expected=("upload.sha-dedup",),
    patch=_patch,
)
