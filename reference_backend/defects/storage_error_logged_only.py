"""Pieces are written once, whatever became of them: errors are logged, short writes not noticed."""

import logging
import os

from reference_backend.defects import Defect
from reference_backend.storage.directory import StagedObject, in_thread

_log = logging.getLogger(__name__)


def _flush(self: StagedObject) -> None:
    with self._opened() as file:
        self._digest.update(self._pending)
        try:
            os.write(file.fileno(), self._pending)
        except OSError:
            _log.exception("a piece was not written")
        self._pending.clear()


def _patch() -> None:
    StagedObject._flush = _flush  # type: ignore[method-assign]  # noqa: SLF001
    StagedObject.flush = in_thread(_flush)


DEFECT = Defect(
    title="A piece that the storage cannot take is logged and left out: a truncated object is accepted",
    source="known: short writes and ENOSPC in a loop that catches OSError",
    expected=("chaos.storage-full",),
    patch=_patch,
)
