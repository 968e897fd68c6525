"""Reading a list to its end, page by page."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from harness.client.answers.answer import Answer
from harness.client.answers.record import Record
from harness.errors import CheckFailed, Inconclusive
from harness.expect import expect_status

MAX_PAGES = 100

MAX_LIST_BYTES = 8 * 1024 * 1024
"""Most bytes of all pages of a list together."""


async def read_pages(
    get: Callable[[Mapping[str, Any]], Awaitable[Answer]],
    operation_id: str,
    query: Mapping[str, Any],
    *,
    is_shared: bool,
) -> list[Record]:
    """Give every item, following `next_cursor`; `get` asks for one page, by its query.

    Fails the check where there is no end; `Inconclusive` where the list `is_shared` with others
    and longer than the harness reads.
    """
    items: list[Record] = []
    cursor: str | None = None
    seen: set[str] = set()
    pages, size, goes_on = 0, 0, True
    for _ in range(MAX_PAGES):
        page = {"limit": 100} | dict(query) | ({"cursor": cursor} if cursor else {})
        answer = expect_status(await get(page), 200)
        more, cursor = answer.page
        items += more
        if not cursor:
            return items
        pages, size = pages + 1, size + len(answer.body)
        goes_on = isinstance(cursor, str) and cursor not in seen
        if not goes_on or size > MAX_LIST_BYTES:
            break
        seen.add(cursor)
    if is_shared and goes_on:
        raise Inconclusive(
            f"{operation_id} gave {len(items)} items in {pages} pages, {size} bytes, and there "
            f"are more; at most {MAX_PAGES} pages and {MAX_LIST_BYTES} bytes are read. Give a "
            "token of an organization with a shorter list"
        )
    raise CheckFailed(
        expected=f"{operation_id} to end within {MAX_PAGES} pages and "
        f"{MAX_LIST_BYTES} bytes, each page but the last with a next_cursor of its own",
        got=f"{len(items)} items in {pages} pages, then the cursor {cursor!r:.200}",
        rule="lists.whole",
        subject=operation_id,
    )
