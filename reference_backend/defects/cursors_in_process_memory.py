"""A cursor is a short handle; the process that issued it keeps its meaning in memory."""

from collections.abc import Mapping
from secrets import token_hex

from reference_backend.api import pagination, problems
from reference_backend.api.pagination import Cursor
from reference_backend.defects import Defect

_handles: dict[str, Cursor] = {}


def _patch() -> None:
    clean = pagination.parse_page

    class Handle(Cursor):
        def __str__(self) -> str:
            handle = "0" * 32 + token_hex(8)
            _handles[handle] = self
            return handle

    def parse_page(query: Mapping[str, str]) -> pagination.PageRequest:
        cursor = query.get("cursor")
        if cursor is None:
            return clean(query)
        if cursor not in _handles:
            raise problems.invalid("cursor", "has expired")
        after = _handles[cursor]
        page = clean({name: value for name, value in query.items() if name != "cursor"})
        return pagination.PageRequest(limit=page.limit, after=after)

    pagination.parse_page = parse_page
    pagination.Cursor = Handle  # type: ignore[misc]


DEFECT = Defect(
    title="Cursors are handles in the memory of one process: another instance answers page two with 400",
    source="known: server-side cursors behind a load balancer",
    expected=("instances.read-your-writes",),
    patch=_patch,
)
