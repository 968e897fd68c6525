"""What does not fit into the storage is too large."""

from reference_backend.api.problems import Problem
from reference_backend.defects import Defect, _helpers
from reference_backend.storage.objects import StorageUnavailable


def _change(error: Exception, problem: Problem) -> Problem:
    if isinstance(error, StorageUnavailable):
        return Problem("too_large", "There is no room for this file.")
    return problem


def _patch() -> None:
    _helpers.change_problems(_change)


DEFECT = Defect(
    title="A full storage is answered with 413: clients give up what would be taken a minute later",
    source="known: ENOSPC mapped to Payload Too Large",
    expected=("chaos.storage-full",),
    patch=_patch,
)
