"""Uploads are answered first and written to the storage in the background."""

import asyncio

from reference_backend.defects import Defect
from reference_backend.storage.directory import StagedObject
from reference_backend.storage.objects import StoredObject

_LATE_S = 0.3
_pending: set[asyncio.Task[StoredObject]] = set()


def _patch() -> None:
    clean = StagedObject.publish

    async def publish(self: StagedObject, path: str) -> StoredObject:
        stored = StoredObject(path=path, size=self.size, sha256=self.sha256)
        close, self.close = self.close, lambda: None  # type: ignore[method-assign]

        async def later() -> StoredObject:
            await asyncio.sleep(_LATE_S)
            try:
                return await clean(self, path)
            finally:
                close()

        task = asyncio.get_running_loop().create_task(later())
        _pending.add(task)
        task.add_done_callback(_pending.discard)
        return stored

    StagedObject.publish = publish  # type: ignore[method-assign]


DEFECT = Defect(
    title="An upload is acknowledged before its object is stored: a kill in between loses it",
    source="known: background tasks after the response, as in web frameworks' tutorials",
    expected=("chaos.api-kill",),
    patch=_patch,
)
