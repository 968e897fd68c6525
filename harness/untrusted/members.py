"""Members of parsed JSON whose shape is not trusted: empty where they are of another kind."""

from collections.abc import Mapping
from typing import Any

Json = Any


def table(node: Json, key: str) -> Mapping[str, Json]:
    """A member that is an object; empty where it is none."""
    found = node.get(key) if isinstance(node, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def items(node: Json, key: str) -> list[Json]:
    """A member that is a list; empty where it is none."""
    found = node.get(key) if isinstance(node, Mapping) else None
    return found if isinstance(found, list) else []
