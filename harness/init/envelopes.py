"""What is around the things in answers: where one is, where a list is, and how pages go on."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.init.fields import match_fields
from harness.init.guess import Certainty, Guess
from harness.init.lexicon import Lexicon, words_of
from harness.init.operation_names import ROLE_OF
from harness.init.references import Document, Json
from harness.init.routes import Route
from harness.init.things import Property, kind_of, properties
from harness.target.contract.envelope import Envelope

_OF_PAGES = frozenset(
    {"meta", "links", "_links", "page", "pagination", "paging", "pageinfo", "page_info"}
)


_FEW = 2


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
    if name.startswith(("@", "hydra:")):  # JSON-LD's own
        return True
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
    named = [name for name in objects if words_of(name) in [words_of(s) for s in route.segments]]
    if len(named) == 1:  # called after the collection
        return f"/{named[0]}"
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
    lexicon: Lexicon, document: Document, routes: Mapping[str, Route], lists: Sequence[str]
) -> Iterator[Guess]:
    """Say what is around things and lists: of all, or of each operation where they differ.

    `routes` are by the contract's operation; `lists` are those of them that give lists.
    """
    wrappers = {
        name: wrapper
        for name, route in routes.items()
        if name not in lists and (wrapper := wrapper_of(document, route)) is not None
    }
    yield from _said("data", wrappers, "answers with one thing")
    found = {
        name: one
        for name in lists
        if name in routes and (one := list_of(document, routes[name])) is not None
    }
    yield from _said("items", {name: one.items for name, one in found.items()}, "lists")
    cursors = {}
    for name, one in found.items():
        place = match_fields(lexicon, "page", one.beside).place_of("next_cursor")
        if place is not None:
            cursors[name] = one.items.rpartition("/")[0] + place.pointer
    yield from _said("next_cursor", cursors, "lists")
    for key in ("cursor", "limit"):
        asked = {
            name: place.name
            for name in lists
            if name in routes
            and (place := match_fields(lexicon, "page_query", routes[name].query).place_of(key))
        }
        yield from _said(key, asked, "lists")


def _said(key: str, by_operation: Mapping[str, str], of: str) -> Iterator[Guess]:
    """Say it once for what most have, and again for each operation that has something else."""
    if not by_operation:
        return
    (most, times), *_ = Counter(by_operation.values()).most_common()
    share = times / len(by_operation)
    # Things of one noun say nothing of the others: the member may be called after them.
    about = {ROLE_OF.get(name) for name, value in by_operation.items() if value == most}
    of_one = key in {"items", "data"} and most not in {"", "/data"} and len(about) < _FEW
    says_all = share > 0.5 and not of_one
    usual = most if says_all else getattr(_CONTRACT, key)
    if usual != getattr(_CONTRACT, key):
        yield Guess(
            table=("contract", "envelope"),
            key=(key,),
            value=usual,
            certainty=Certainty.SURE if share == 1 and times > 1 else Certainty.LIKELY,
            why=f"so in {times} of {len(by_operation)} {of}",
        )
    for name, value in by_operation.items():
        if value != usual:
            yield Guess(
                table=("contract", "operations", name, "envelope"),
                key=(key,),
                value=value,
                certainty=Certainty.LIKELY,
                why="as described for this one",
            )


_CONTRACT = Envelope()
