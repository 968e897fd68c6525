"""Schemas of OpenAPI 3.0, which say a few things otherwise than 3.1."""

from typing import Any

Json = Any


def newer_schema(schema: dict[str, Json]) -> dict[str, Json]:
    """A schema of OpenAPI 3.0 in the words of 3.1."""
    changed = dict(schema)
    for bound, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(changed.get(bound), bool) and changed.pop(bound) and limit in changed:
            changed[bound] = changed.pop(limit)
    if changed.pop("nullable", False) is True and isinstance(changed.get("type"), str):
        changed["type"] = [changed["type"], "null"]
        if isinstance(changed.get("enum"), list) and None not in changed["enum"]:
            changed["enum"] = [*changed["enum"], None]
    elif schema.get("nullable") is True and ("allOf" in changed or "anyOf" in changed):
        return {"anyOf": [changed, {"type": "null"}]}
    return changed
