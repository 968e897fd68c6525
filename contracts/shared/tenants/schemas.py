"""The smallest value that a JSON Schema of an OpenAPI document allows."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

from harness.untrusted.json_pointers import BrokenReference, follow

MAX_DEPTH = 12

_BY_FORMAT = {
    "date-time": "2026-01-31T12:00:00Z",
    "date": "2026-01-31",
    "email": "user@example.org",
    "uri": "https://example.org/",
}


class Unbuildable(Exception):
    """The document does not say enough to build a request; the message says why."""


def resolved(document: Mapping[str, Any], node: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Follow `$ref`s within the document to an object. Raises `Unbuildable`."""
    try:
        found = follow(document, node)
    except BrokenReference as error:
        raise Unbuildable(str(error)) from error
    return dict(found) if isinstance(found, Mapping) else {}


def smallest(document: Mapping[str, Any], schema: Any, depth: int = 0) -> Any:  # noqa: ANN401
    """A value of the schema: its own example, or else one with required members only.

    Raises `Unbuildable` where no value can be generated, such as for a string with a pattern.
    """
    if depth > MAX_DEPTH:
        raise Unbuildable("a schema that requires itself")
    schema = resolved(document, schema)
    for parts in ("allOf", "anyOf", "oneOf"):
        if parts in schema:
            chosen = schema.pop(parts)
            for part in chosen if parts == "allOf" else chosen[:1]:
                schema = _joined(schema, resolved(document, part))
    if isinstance(schema.get("examples"), list) and schema["examples"]:
        return schema["examples"][0]
    for given in ("example", "const", "default"):
        if given in schema:
            return schema[given]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    if kind == "object":
        members = schema.get("properties", {})
        required = [name for name in schema.get("required", ()) if name in members]
        return {name: smallest(document, members[name], depth + 1) for name in required}
    if kind == "array":
        items = schema.get("items", {})
        return [smallest(document, items, depth + 1) for _ in range(schema.get("minItems", 0))]
    return _scalar(str(kind), schema)


def _scalar(kind: str, schema: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    if kind in {"integer", "number"}:
        return schema.get("minimum", min(1, schema.get("maximum", 1)))
    if kind == "boolean":
        return False
    if kind == "null":
        return None
    if schema.get("format") == "uuid":
        return str(uuid.uuid4())
    text = str(_BY_FORMAT.get(str(schema.get("format")), "x" * max(1, schema.get("minLength", 1))))
    pattern = schema.get("pattern")
    try:
        if pattern is not None and not re.search(pattern, text):
            raise Unbuildable(f"a string that matches the pattern {pattern!r}")
    except re.error as error:
        raise Unbuildable(f"a string that matches the pattern {pattern!r}") from error
    return text


def _joined(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    required = [*schema.get("required", ()), *part.get("required", ())]
    members = {**schema.get("properties", {}), **part.get("properties", {})}
    joined = {**schema, **part}
    if required:
        joined["required"] = required
    if members:
        joined["properties"] = members
    return joined
