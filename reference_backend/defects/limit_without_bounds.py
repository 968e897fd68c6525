"""`limit` became a plain integer when the lists were rewritten."""

from collections.abc import Mapping
from uuid import UUID

from reference_backend.api import pagination, problems
from reference_backend.defects import Defect


def _patch() -> None:
    def parse_page(query: Mapping[str, str]) -> pagination.PageRequest:
        try:
            limit = int(query.get("limit", pagination.DEFAULT_LIMIT))
        except ValueError as error:
            raise problems.invalid("limit", "must be a whole number") from error
        cursor = query.get("cursor", "0" * 48)
        if not pagination._CURSOR.fullmatch(cursor):  # noqa: SLF001
            raise problems.invalid("cursor", "is not a next_cursor of this API")
        after = pagination.Cursor(position=int(cursor[:16], 16), id=UUID(cursor[16:]))
        return pagination.PageRequest(limit=limit, after=after)

    pagination.parse_page = parse_page


DEFECT = Defect(
    title="A page may have any size: limit=0, limit=-1 and limit=1000000 are accepted",
    source="known: the contract's 1 to 100 was only ever in the document",
    expected=("contract.fuzz",),
    patch=_patch,
)
