"""References within one document."""

from collections.abc import Mapping
from typing import Any


def resolved(document: Any, node: Any) -> Mapping[str, Any]:  # noqa: ANN401 - JSON
    """What stands where a node is or refers to; nothing where that is no object."""
    for _ in range(16):
        if not isinstance(node, Mapping):
            return {}
        if "$ref" not in node:
            return node
        found: Any = document
        for step in str(node["$ref"]).removeprefix("#/").split("/"):
            step = step.replace("~1", "/").replace("~0", "~")
            found = found.get(step) if isinstance(found, Mapping) else None
        node = found
    return {}
