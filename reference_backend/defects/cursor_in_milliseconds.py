"""Times pass through JavaScript somewhere, which has milliseconds."""

from collections.abc import Mapping
from typing import Any

from reference_backend.api import pagination
from reference_backend.api.pagination import Cursor
from reference_backend.defects import Defect


def _patch() -> None:
    clean = pagination.by_time

    def by_time(row: Mapping[str, Any]) -> Cursor:
        cursor = clean(row)
        return Cursor(position=cursor.position // 1000 * 1000, id=cursor.id)

    pagination.by_time = by_time


DEFECT = Defect(
    title="Cursors hold milliseconds, rows microseconds: the last item of a page is repeated on the next one",
    source="T3: Containarium #1326 (a precision is lost between two stores)",
    expected=("golden.upload",),
    patch=_patch,
)
