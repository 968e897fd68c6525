"""Keyset pagination: `?cursor=&limit=`, oldest first.

A cursor names the last item of a page: its position (microseconds since 1970, or the ledger's
sequence number) in 16 hex digits, then its id in 32. Every string of that form is a valid cursor:
an invented one only starts at another place in the same organization's list.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from reference_backend.api import problems

Row = TypeVar("Row")

DEFAULT_LIMIT = 50
_LIMIT = re.compile(r"[1-9][0-9]?|100")
_CURSOR = re.compile(r"[0-7][0-9a-f]{47}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MICROSECOND = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """The last item of the page before."""

    position: int
    id: UUID

    @property
    def time(self) -> datetime:
        """The position as a time; positions after the year 9999 become the last one."""
        return _EPOCH + timedelta(microseconds=min(self.position, _LAST_MICROSECOND))

    def __str__(self) -> str:
        return f"{self.position:016x}{self.id.hex}"


_BEGINNING = Cursor(position=0, id=UUID(int=0))


@dataclass(frozen=True, kw_only=True)
class PageRequest:
    """The requested page."""

    limit: int
    after: Cursor

    @property
    def parameters(self) -> dict[str, object]:
        """The parameters of list queries: the start, and one row more than the page shows."""
        return {
            "after_time": self.after.time,
            "after_seq": self.after.position,
            "after_id": self.after.id,
            "rows": self.limit + 1,
        }


def parse_page(query: Mapping[str, str]) -> PageRequest:
    """The page that the query parameters ask for; a 400 Problem if they are malformed."""
    limit = query.get("limit", str(DEFAULT_LIMIT))
    if not _LIMIT.fullmatch(limit):
        raise problems.invalid("limit", "must be a whole number from 1 to 100")
    after = _BEGINNING
    if (cursor := query.get("cursor")) is not None:
        if not _CURSOR.fullmatch(cursor):
            raise problems.invalid("cursor", "is not a next_cursor of this API")
        after = Cursor(position=int(cursor[:16], 16), id=UUID(cursor[16:]))
    return PageRequest(limit=int(limit), after=after)


def by_time(row: Mapping[str, Any]) -> Cursor:
    """The cursor of a row in a list that is ordered by creation, then id."""
    return Cursor(position=(row["created_at"] - _EPOCH) // timedelta(microseconds=1), id=row["id"])


def by_ledger_seq(row: Mapping[str, Any]) -> Cursor:
    """The cursor of a row in the ledger."""
    return Cursor(position=row["ledger_seq"], id=row["id"])


def cut(
    rows: Sequence[Row], page: PageRequest, cursor: Callable[[Row], Cursor]
) -> tuple[Sequence[Row], str | None]:
    """The rows of the page, out of up to `limit + 1`, and the next cursor if more follow."""
    shown = rows[: page.limit]
    return shown, str(cursor(shown[-1])) if len(rows) > page.limit else None


def page_of(
    rows: Sequence[Row],
    page: PageRequest,
    show: Callable[[Row], Mapping[str, Any]],
    cursor: Callable[[Row], Cursor],
) -> dict[str, Any]:
    """The body of a list answer."""
    shown, next_cursor = cut(rows, page, cursor)
    return {"data": [show(row) for row in shown], "next_cursor": next_cursor}
