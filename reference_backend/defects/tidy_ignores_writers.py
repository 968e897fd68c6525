"""An object without a record is litter once it is old enough, whether or not somebody is about to record it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from reference_backend.defects import Defect
from reference_backend.storage.directory import Storage
from reference_backend.storage.objects import ObjectMissing


@asynccontextmanager
async def _without_writer(self: Storage, path: str) -> AsyncIterator[bool]:
    try:
        file = await asyncio.to_thread(self.open, path)
    except ObjectMissing:
        yield False
        return
    file.close()
    yield True


def _patch() -> None:
    Storage.without_writer = _without_writer  # type: ignore[method-assign]


DEFECT = Defect(
    title="The removal of litter takes the object of a slow writer before its row is committed: a record without its object",
    source="known: garbage collection by age; a commit that waits for a lock is older than any grace",
    expected=("chaos.half-written",),
    patch=_patch,
)
