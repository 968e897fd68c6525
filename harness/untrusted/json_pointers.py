"""JSON Pointers (RFC 6901), and the `$ref`s that lead through a document by them."""

from collections.abc import Iterable, Mapping
from typing import Any

Json = Any


class BrokenReference(LookupError):
    """A `$ref` that points to nothing, or in a circle."""


def pointer(way: Iterable[str | int]) -> str:
    """Write a way as a JSON Pointer: empty for the whole document."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in way)


def steps(pointer: str) -> tuple[str, ...]:
    """Give the names on the way of a pointer; none for the whole document."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


def follow(document: Json, node: Json) -> Json:
    """Follow `$ref`s within the document; members beside a `$ref` count too (OpenAPI 3.1).

    A node without one is returned as it is. Raises `BrokenReference`.
    """
    followed: set[str] = set()
    while isinstance(node, Mapping) and "$ref" in node:
        reference = str(node["$ref"])
        if reference in followed:
            raise BrokenReference(f"circular $ref to {reference}")
        followed.add(reference)
        found = document if reference.startswith("#") else None
        for step in steps(reference):
            found = found.get(step) if isinstance(found, Mapping) else None
        if found is None:
            raise BrokenReference(f"$ref to {reference}, which does not exist")
        beside = {name: value for name, value in node.items() if name != "$ref"}
        node = {**found, **beside} if beside and isinstance(found, Mapping) else found
    return node


def followed(document: Json, node: Json) -> Mapping[str, Json]:
    """As `follow`, where a document is not trusted: empty for what is broken, or no object."""
    try:
        found = follow(document, node)
    except BrokenReference:
        return {}
    return found if isinstance(found, Mapping) else {}
