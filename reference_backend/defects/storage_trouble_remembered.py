"""A storage that has failed once is not asked again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from reference_backend.defects import Defect
from reference_backend.storage.directory import StagedObject, Storage
from reference_backend.storage.objects import StorageUnavailable

_failed: list[StorageUnavailable] = []


def _patch() -> None:
    clean = Storage.stage

    @asynccontextmanager
    async def stage(self: Storage) -> AsyncIterator[StagedObject]:
        if _failed:
            raise StorageUnavailable(str(_failed[0]))
        try:
            async with clean(self) as staged:
                yield staged
        except StorageUnavailable as error:
            _failed.append(error)
            raise

    Storage.stage = stage  # type: ignore[method-assign]


DEFECT = Defect(
    title="After one failed write every upload is refused until the instance is restarted",
    source="known: a circuit breaker that nothing closes",
    expected=("chaos.storage-full",),
    patch=_patch,
)
