"""What killed processes left is searched among temporary files alone."""

from __future__ import annotations

from reference_backend import database
from reference_backend.defects import Defect
from reference_backend.storage.directory import Storage
from reference_backend.worker import litter


async def _remove(pool: database.Pool, storage: Storage, *, older_than_s: float) -> None:
    await storage.remove_orphans(older_than_s=older_than_s)


def _patch() -> None:
    litter.remove = _remove


DEFECT = Defect(
    title="Litter is removed from staging alone: objects that were published and never recorded stay for ever",
    source="known: a janitor of the temporary directory; buckets full of objects without a row",
    expected=("chaos.half-written",),
    patch=_patch,
)
