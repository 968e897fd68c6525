"""Lists, page by page: every item once, oldest first, whatever the size of the page."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.shared.resources.conventions import time_of
from harness.client import Client, Record
from harness.errors import CheckFailed
from harness.expect import expect, expect_equal, expect_status

DEFAULT_LIMIT = 50
MAX_PAGES = 200


@dataclass(frozen=True, kw_only=True)
class List:
    """One list of the API."""

    operation_id: str
    path: Mapping[str, str] | None = None
    query: Mapping[str, str] | None = None


async def pages_of(
    client: Client, listed: List, *, limit: int | None, instances: Sequence[int] = (0,)
) -> list[list[Record]]:
    """Follow `next_cursor` to the end, each page asked of the next of the instances.

    Fails the check when a page is larger than it may be, or when there is no end.
    """
    pages: list[list[Record]] = []
    seen: set[str] = set()
    cursor: str | None = None
    for instance in itertools.islice(itertools.cycle(instances), MAX_PAGES):
        query: dict[str, Any] = dict(listed.query or {})
        query |= {} if limit is None else {"limit": limit}
        query |= {} if cursor is None else {"cursor": cursor}
        answer = await client.call(
            listed.operation_id, path=listed.path, query=query, instance=instance
        )
        expect_status(answer, 200, detail=f"page {len(pages) + 1} with {query}")
        expect(
            len(answer.items) <= (limit or DEFAULT_LIMIT),
            expected=f"at most {limit or DEFAULT_LIMIT} items on a page of {listed.operation_id} "
            + (f"with limit={limit}" if limit else "without a limit"),
            got=f"{len(answer.items)}",
        )
        pages.append(answer.items)
        cursor = answer.document["next_cursor"]
        if cursor is None:
            return pages
        expect(
            isinstance(cursor, str) and cursor,
            expected=f"next_cursor of {listed.operation_id} to be a string or null",
            got=repr(cursor),
        )
        expect(
            cursor not in seen,
            expected=f"next_cursor of {listed.operation_id} to lead on",
            got=f"{cursor} for the second time, on page {len(pages)} with limit={limit}",
        )
        seen.add(cursor)
    raise CheckFailed(
        expected=f"{listed.operation_id} to come to an end within {MAX_PAGES} pages",
        got=f"a next_cursor on each of them, {sum(map(len, pages))} items so far",
    )


async def expect_listed(
    client: Client,
    listed: List,
    wanted: Sequence[str],
    *,
    limit: int | None,
    instances: Sequence[int] = (0,),
) -> list[Record]:
    """Fail unless the pages hold just these ids, each once, oldest first; give the items.

    Where several were made at the same moment their order among themselves is the backend's.
    """
    pages = await pages_of(client, listed, limit=limit, instances=instances)
    items = [item for page in pages for item in page]
    how = f"{listed.operation_id} with limit={limit}, in pages of {[len(page) for page in pages]}"
    counted, due = Counter(item["id"] for item in items), Counter(wanted)
    expect(
        counted == due,
        expected=f"every one of {len(wanted)} items once from {how}",
        got=f"{len(items)}: missing {list((due - counted).elements())[:3]}, "
        f"doubled or strange {list((counted - due).elements())[:3]}",
    )
    for before, after in itertools.pairwise(items):
        expect(
            time_of(before, "created_at") <= time_of(after, "created_at"),
            expected=f"the oldest first from {how}",
            got=f"{before['created_at']} before {after['created_at']}",
        )
    return items


async def expect_full_first_page(
    client: Client, listed: List, *, items: int, limit: int | None
) -> None:
    """Fail unless the first page of a list is as full as it may be."""
    pages = await pages_of(client, listed, limit=limit)
    expect_equal(
        len(pages[0]),
        min(items, limit or DEFAULT_LIMIT),
        f"the size of the first page of {listed.operation_id}, of {items} items, "
        + (f"with limit={limit}" if limit else "without a limit"),
    )
