"""Where each route stands among the collections of an API, by the shape of its path."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.init.envelopes import list_of
from harness.init.lexicon import words_of
from harness.init.organization_paths import begins_with_organization
from harness.init.references import Document
from harness.init.routes import Route, is_parameter

_PREFIX = re.compile(r"api|rest|public|internal|app|v\d+(\.\d+)*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a route stands among the collections."""

    route: Route
    noun: str
    """The collection's key; empty for a path of no collection."""
    said: str
    """The static segments that name it, as they are written."""
    parents: tuple[str, ...]
    form: str
    """`all`, `one`, `act` (on one), `do` (on all)."""
    action: str = ""


def key_of(segment: str) -> str:
    """The key of a collection: `exports` and `export` are one."""
    return " ".join(words_of(segment))


def without_prefix(segments: Sequence[str]) -> Sequence[str]:
    """Leave out what stands before all paths: `/api/v1`, `/orgs/{orgId}`."""
    while segments and _PREFIX.fullmatch(segments[0]):
        segments = segments[1:]
    return segments[2:] if begins_with_organization(segments) else segments


def places_of(document: Document, routes: Sequence[Route]) -> tuple[Place, ...]:
    """Say of every route which collection it belongs to."""
    keys = set()
    files_only = _giving_files_only(routes)
    for route in routes:
        segments = without_prefix(route.segments)
        for number, (one, following) in enumerate(pairwise([*segments, ""])):
            if is_parameter(one) or not is_parameter(following):
                continue
            if tuple(segments[: number + 1]) not in files_only:
                keys.add(key_of(one))
        listed = route.method == "GET" and list_of(document, route) is not None
        if segments and not is_parameter(segments[-1]) and listed:
            keys.add(key_of(segments[-1]))
    return tuple(_place(route, keys) for route in routes)


def _giving_files_only(routes: Sequence[Route]) -> set[tuple[str, ...]]:
    """Paths below which all routes give files, `…/download/{language}`: they are no collections."""
    by_start: dict[tuple[str, ...], list[Route]] = {}
    for route in routes:
        segments = tuple(without_prefix(route.segments))
        for number in range(1, len(segments) + 1):
            by_start.setdefault(segments[:number], []).append(route)
    return {
        start
        for start, those in by_start.items()
        if len(start) > 1 and all(one.method == "GET" and one.gives_file for one in those)
    }


def _place(route: Route, keys: set[str]) -> Place:
    segments = without_prefix(route.segments)
    nouns: list[tuple[int, str]] = []
    for number, segment in enumerate(segments):
        if not is_parameter(segment) and key_of(segment) in keys:
            # `/ledger/events` is one collection, named by both words.
            nouns.append((number, key_of(segment)))
    if not nouns:
        return Place(route=route, noun="", said="/".join(segments), parents=(), form="all")
    at, noun = nouns[-1]
    begin = at
    while begin > 0 and not is_parameter(segments[begin - 1]):
        begin -= 1
    rest = segments[at + 1 :]
    with_id = bool(rest) and is_parameter(rest[0])
    action = "/".join(rest[1:] if with_id else rest)
    form = ("act" if action else "one") if with_id else ("do" if action else "all")
    return Place(
        route=route,
        noun=noun,
        said="/".join(segments[begin : at + 1]),
        parents=tuple(name for number, name in nouns[:-1] if number < begin),
        form=form,
        action=action,
    )
