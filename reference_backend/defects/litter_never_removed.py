"""Nobody looks for what killed processes left in the storage."""

from __future__ import annotations

from reference_backend import database
from reference_backend.defects import Defect
from reference_backend.storage.directory import Storage
from reference_backend.worker import litter


async def _remove(pool: database.Pool, storage: Storage, *, older_than_s: float) -> None:
    return


def _patch() -> None:
    litter.remove = _remove


DEFECT = Defect(
    title="Temporary files and objects of killed processes stay for ever",
    source="known: `finally: unlink()` is all that cleans up",
    expected=("chaos.half-written",),
    patch=_patch,
)
