"""What is around the things in answers: where one is, where a list is, and how pages go on."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.init.fields import match_fields
from harness.init.guess import Certainty, Guess
from harness.init.lexicon import Lexicon
from harness.init.references import Document, Json
from harness.init.routes import Route
from harness.init.things import Property, kind_of, properties

_OF_PAGES = frozenset(
    {"meta", "links", "_links", "page", "pagination", "paging", "pageinfo", "page_info"}
)


@dataclass(frozen=True, kw_only=True)
class Listed:
    """Where a list is in an answer, and what is beside it."""

    items: str
    """A JSON Pointer."""
    item: Json
    beside: tuple[Property, ...]


def list_of(document: Document, route: Route) -> Listed | None:
    """Find the list in a route's answer: the whole of it, a member, or a member of an envelope."""
    if route.success is None or route.success.is_file:
        return None
    schema = document.plain(route.success.schema)
    if "array" in document.types(schema):
        return Listed(items="", item=schema.get("items"), beside=())
    return _list_in(document, schema, "")


def _list_in(document: Document, schema: Json, at: str) -> Listed | None:
    members = document.members(schema)
    lists = [
        name
        for name, each in members.items()
        if kind_of(document, document.plain(each)) == "list"
        and document.members(document.plain(each).get("items"))
    ]
    if len(lists) == 1 and all(
        _is_of_page(document, n, e) for n, e in members.items() if n not in lists
    ):
        beside = tuple(
            each for each in properties(document, schema) if each.pointer != f"/{lists[0]}"
        )
        found = document.plain(members[lists[0]]).get("items")
        return Listed(items=f"{at}/{lists[0]}", item=found, beside=beside)
    if not at and len(members) <= 3:
        for name, each in members.items():
            inner = document.plain(each)
            if "array" not in document.types(inner):
                found_inner = _list_in(document, inner, f"/{name}")
                if found_inner is not None:
                    return found_inner
    return None


def _is_of_page(document: Document, name: str, schema: Json) -> bool:
    """Whether a member stands beside a list as a cursor, a total or links do."""
    kind = kind_of(document, document.plain(schema))
    return kind in {"count", "text", "flag", "any", "word"} or name.lower() in _OF_PAGES


def wrapper_of(document: Document, route: Route) -> str | None:
    """The pointer to the one thing in an answer; None where there is no object in it."""
    if route.success is None or route.success.is_file:
        return None
    schema = document.plain(route.success.schema)
    members = document.members(schema)
    if not members:
        return None
    objects = [name for name, each in members.items() if document.members(each)]
    others = [name for name in members if name not in objects]
    plain_rest = {"success", "ok", "status", "message", "meta", "links", "error", "errors", "code"}
    if len(objects) == 1 and all(name.lower() in plain_rest for name in others):
        return f"/{objects[0]}"
    return ""


def thing_of(document: Document, route: Route) -> tuple[Property, ...]:
    """The properties of the thing that a route answers with; of one of its list, if it is one."""
    listed = list_of(document, route) if route.method == "GET" else None
    if listed is not None:
        return properties(document, listed.item)
    wrapper = wrapper_of(document, route)
    if wrapper is None or route.success is None:
        return ()
    schema = document.plain(route.success.schema)
    if wrapper:
        schema = document.members(schema)[wrapper[1:]]
    return properties(document, schema)


def guess_envelope(
    lexicon: Lexicon, document: Document, singles: Sequence[Route], lists: Sequence[Route]
) -> Iterator[Guess]:
    """Say what is around things and lists, where the answers agree on it."""
    where = ("contract", "envelope")
    wrappers = [each for each in (wrapper_of(document, one) for one in singles) if each is not None]
    yield from _agreed(where, "data", wrappers, "/data", "answers with one thing")
    found = [each for each in (list_of(document, one) for one in lists) if each is not None]
    yield from _agreed(where, "items", [one.items for one in found], "/data", "lists")
    cursors = []
    for one in found:
        at = one.items.rpartition("/")[0]
        place = match_fields(lexicon, "page", one.beside).place_of("next_cursor")
        if place is not None:
            cursors.append(at + place.pointer)
    yield from _agreed(where, "next_cursor", cursors, "/next_cursor", "lists")
    for key in ("cursor", "limit"):
        names = []
        for route in lists:
            asked = match_fields(lexicon, "page_query", route.query).place_of(key)
            if asked is not None:
                names.append(asked.name)
        yield from _agreed(where, key, names, key, "lists")


def _agreed(
    where: tuple[str, ...], key: str, seen: Sequence[str], ours: str, of: str
) -> Iterator[Guess]:
    if not seen:
        return
    (most, times), *_ = Counter(seen).most_common()
    if most == ours:
        return
    share = times / len(seen)
    certainty = (
        Certainty.SURE
        if share == 1 and times > 1
        else Certainty.LIKELY
        if share > 0.6
        else Certainty.DOUBTFUL
    )
    yield Guess(
        table=where,
        key=(key,),
        value=most,
        certainty=certainty,
        why=f"so in {times} of {len(seen)} {of}",
    )
