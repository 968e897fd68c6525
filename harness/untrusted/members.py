"""Members of parsed JSON whose shape is not trusted: empty where they are of another kind."""

from collections.abc import Iterator, Mapping
from typing import Any

Json = Any
Way = tuple[str | int, ...]
"""Names of members and places in lists, from the top."""


def table(node: Json, key: str) -> Mapping[str, Json]:
    """A member that is an object; empty where it is none."""
    found = node.get(key) if isinstance(node, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def items(node: Json, key: str) -> list[Json]:
    """A member that is a list; empty where it is none."""
    found = node.get(key) if isinstance(node, Mapping) else None
    return found if isinstance(found, list) else []


def texts_in(node: Json, way: Way = ()) -> Iterator[tuple[Way, str]]:
    """Every text in a value, and the way to it."""
    match node:
        case str():
            yield way, node
        case Mapping():
            for name, each in node.items():
                yield from texts_in(each, (*way, str(name)))
        case tuple() | list():
            for number, each in enumerate(node):
                yield from texts_in(each, (*way, number))
