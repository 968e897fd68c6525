"""The received part of an upload is removed when it is refused, but not when the client disconnects."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from reference_backend.api.problems import Problem
from reference_backend.defects import Defect
from reference_backend.storage.directory import StagedObject, Storage


@asynccontextmanager
async def _stage(self: Storage) -> AsyncIterator[StagedObject]:
    staged = StagedObject(self._root, self._staging)
    await staged.flush()
    try:
        yield staged
    except Problem:
        staged.close()
        raise
    staged.close()


def _patch() -> None:
    Storage.stage = _stage  # type: ignore[method-assign]


DEFECT = Defect(
    title="An interrupted upload leaves the received part on the disk",
    source="known: cleaning up in `except ValidationError` instead of `finally`",
    expected=("upload.refused-leaves-nothing",),
    patch=_patch,
)
