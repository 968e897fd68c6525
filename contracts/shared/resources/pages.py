"""Paginated lists: every item once, oldest first, for any page size."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.shared.resources.conventions import time_of
from harness.asks import ask, leave_out
from harness.client import Client, Record
from harness.errors import CheckFailed
from harness.expect import expect, expect_status

WHOLE_LISTS = "lists.whole"
"""The rule that every list keeps."""

DEFAULT_LIMIT = 50
MAX_PAGES = 200


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One list of the API."""

    operation_id: str
    path: Mapping[str, str] | None = None
    query: Mapping[str, str] | None = None


async def pages_of(
    client: Client, listing: Listing, *, limit: int | None, instances: Sequence[int] = (0,)
) -> list[list[Record]]:
    """Follow `next_cursor` to the end, and ask the next of the instances for each page.

    A list that has no pages here is one page of any length. Fails the check when a page is too
    large, or when the pages do not end.
    """
    if client.without.has_no_pages(listing.operation_id):
        leave_out(f"pages of {listing.operation_id}")
        whole = await client.call(
            listing.operation_id, path=listing.path, query=listing.query, instance=instances[0]
        )
        return [expect_status(whole, 200, rule=WHOLE_LISTS).items]
    pages: list[list[Record]] = []
    seen: set[str] = set()
    cursor: str | None = None
    before: int | None = None
    for instance in itertools.islice(itertools.cycle(instances), MAX_PAGES):
        query: dict[str, Any] = dict(listing.query or {})
        query |= {} if limit is None else {"limit": limit}
        query |= {} if cursor is None else {"cursor": cursor}
        answer = await client.call(
            listing.operation_id, path=listing.path, query=query, instance=instance
        )
        detail = f"page {len(pages) + 1} with {query}"
        if before is not None and before != instance:
            detail += f" on API instance {instance + 1}; API instance {before + 1} gave the cursor"
        before = instance
        expect_status(answer, 200, detail=detail, rule=WHOLE_LISTS)
        expect(
            len(answer.items) <= (limit or DEFAULT_LIMIT),
            expected=f"at most {limit or DEFAULT_LIMIT} items on a page of {listing.operation_id} "
            + (f"with limit={limit}" if limit else "without a limit"),
            got=f"{len(answer.items)} items",
            rule=WHOLE_LISTS,
            subject=listing.operation_id,
        )
        pages.append(answer.items)
        cursor = answer.document["next_cursor"]
        if cursor is None:
            return pages
        expect(
            isinstance(cursor, str) and cursor,
            expected=f"a string or null as next_cursor of {listing.operation_id}",
            got=repr(cursor),
            rule=WHOLE_LISTS,
            subject=listing.operation_id,
        )
        expect(
            cursor not in seen,
            expected=f"a new next_cursor on every page of {listing.operation_id}",
            got=f"{cursor} again on page {len(pages)} with limit={limit}",
            rule=WHOLE_LISTS,
            subject=listing.operation_id,
        )
        seen.add(cursor)
    raise CheckFailed(
        expected=f"{listing.operation_id} to end within {MAX_PAGES} pages",
        got=f"a next_cursor on each of them, {sum(map(len, pages))} items so far",
        rule=WHOLE_LISTS,
        subject=listing.operation_id,
    )


async def expect_listed(
    client: Client,
    listing: Listing,
    wanted: Sequence[str],
    *,
    limit: int | None,
    instances: Sequence[int] = (0,),
) -> list[Record]:
    """Fail unless the pages have exactly these IDs, each once, oldest first; give the items.

    Items of the same created_at may be in any order, and all where the target declares so: then
    they are given as in `wanted`.
    """
    pages = await pages_of(client, listing, limit=limit, instances=instances)
    items = [item for page in pages for item in page]
    detail = f"limit={limit}, in pages of {[len(page) for page in pages]}"
    counted, wanted_once = Counter(item["id"] for item in items), Counter(wanted)
    expect(
        counted == wanted_once,
        expected=f"each of {len(wanted)} items once from {listing.operation_id}",
        got=f"{len(items)}: missing {list((wanted_once - counted).elements())[:3]}, "
        f"duplicate or unknown {list((counted - wanted_once).elements())[:3]}",
        detail=detail,
        rule=WHOLE_LISTS,
        subject=listing.operation_id,
    )
    if client.without.has_no_order(listing.operation_id):
        leave_out(f"order of {listing.operation_id}")
        places = {each: place for place, each in enumerate(wanted)}
        return sorted(items, key=lambda item: places[item["id"]])
    ask(f"order of {listing.operation_id}", part=True)
    for before, after in itertools.pairwise(items):
        expect(
            time_of(before, "created_at") <= time_of(after, "created_at"),
            expected=f"items in order of created_at from {listing.operation_id}",
            got=f"{before['created_at']} before {after['created_at']}",
            detail=detail,
            rule=WHOLE_LISTS,
            subject=listing.operation_id,
        )
    return items
