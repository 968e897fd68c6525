"""An OpenAPI document or Swagger 2.0 as it was written, read without trust in its shape."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.untrusted.json_pointers import followed
from harness.untrusted.members import items, table

Json = Any

_MOST_STEPS = 16


@dataclass(frozen=True)
class Document:
    """A parsed document; what cannot be followed is empty, never an error."""

    root: Json

    def resolved(self, node: Json) -> Json:
        """Follow `$ref`s within the document."""
        return followed(self.root, node)

    def plain(self, node: Json, depth: int = 0) -> Json:
        """Resolve a schema to one without `allOf` and with the one choice that is no null."""
        schema = self.resolved(node)
        if depth > _MOST_STEPS:
            return schema
        merged = {
            key: each for key, each in schema.items() if key not in {"allOf", "oneOf", "anyOf"}
        }
        for key in ("oneOf", "anyOf"):
            choices = [self.plain(each, depth + 1) for each in items(schema, key)]
            real = [each for each in choices if each and self.types(each) != {"null"}]
            if real:
                merged = _merged(merged, real[0])
        for each in items(schema, "allOf"):
            merged = _merged(merged, self.plain(each, depth + 1))
        return merged

    def members(self, node: Json) -> Mapping[str, Json]:
        """The properties of an object."""
        return table(self.plain(node), "properties")

    def types(self, schema: Json) -> set[str]:
        """The JSON types that a schema names; `file` is Swagger 2.0's."""
        kind = schema.get("type") if isinstance(schema, Mapping) else None
        return (
            {str(each) for each in kind}
            if isinstance(kind, list)
            else {str(kind)}
            if kind
            else set()
        )

    def listed(self, schema: Json) -> tuple[str, ...]:
        """The texts that a schema allows, where it lists them."""
        if not isinstance(schema, Mapping):
            return ()
        words = schema.get("enum")
        if not isinstance(words, list):
            words = [schema["const"]] if "const" in schema else []
        return tuple(word for word in words if isinstance(word, str))

    def nullable(self, node: Json) -> bool:
        """Whether a schema allows null."""
        schema = self.plain(node)
        raw = self.resolved(node)
        choices = [*items(raw, "oneOf"), *items(raw, "anyOf")]
        return (
            schema.get("nullable") is True
            or (isinstance(node, Mapping) and node.get("nullable") is True)
            or "null" in self.types(schema)
            or any(self.types(self.resolved(each)) == {"null"} for each in choices)
        )


def _merged(one: Mapping[str, Json], other: Mapping[str, Json]) -> dict[str, Json]:
    both = {**other, **one}
    if "properties" in one and "properties" in other:
        both["properties"] = {**table(other, "properties"), **table(one, "properties")}
    return both
