"""Where a schema of a served document says otherwise than the contract's about the same value.

Compared is what the contract says of a value: its JSON types, its members and which of them are
always there, its words, its format. Patterns, lengths and bounds are not: they are how one document
narrows a value that the contract leaves open, such as a cursor.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, Literal

from contracts.conformance.fuzzing.document import Document

Json = Any
Place = tuple[str, ...]
Direction = Literal["request", "form", "answer"]

MAX_DEPTH = 16
MAX_ALTERNATIVES = 64

_FORMATS = frozenset({"uuid", "date-time", "date", "time", "duration", "email", "ipv4", "ipv6"})
"""Formats that exclude each other."""


@dataclass(frozen=True)
class Shape:
    """What a schema says: all of its alternatives, each a schema without a choice."""

    alternatives: tuple[Mapping[str, Json], ...]

    @classmethod
    def of(cls, document: Document, schema: Json) -> "Shape":
        """The shape of a schema in its document. Raises `BrokenReference`."""
        return cls(tuple(_alternatives(document, schema, 0)))

    @cached_property
    def types(self) -> frozenset[str] | None:
        """The JSON types that it allows; None where it allows any."""
        if any("type" not in each for each in self.alternatives):
            return None
        return frozenset(each["type"] for each in self.alternatives)

    @cached_property
    def words(self) -> frozenset[str] | None:
        """The texts that it allows; None where it leaves them open."""
        texts = [each for each in self.alternatives if each.get("type") == "string"]
        if not texts or any("enum" not in each for each in texts):
            return None
        return frozenset(word for each in texts for word in each["enum"] if isinstance(word, str))

    @cached_property
    def formats(self) -> frozenset[str]:
        """The formats that it names for a text."""
        texts = (each for each in self.alternatives if each.get("type") == "string")
        return frozenset(str(each["format"]) for each in texts if "format" in each)

    @cached_property
    def members(self) -> Mapping[str, Json]:
        """The schemas of an object's members, by name."""
        found: dict[str, Json] = {}
        for each in self.alternatives:
            for name, schema in (each.get("properties") or {}).items():
                found.setdefault(name, schema)
        return found

    @cached_property
    def required(self) -> frozenset[str]:
        """The members that an object always has."""
        objects = [each for each in self.alternatives if each.get("type") == "object"]
        required = [frozenset(map(str, each.get("required") or ())) for each in objects]
        return frozenset.intersection(*required) if required else frozenset()

    @cached_property
    def items(self) -> Json:
        """The schema of an array's items; None where it has none."""
        return next((each["items"] for each in self.alternatives if "items" in each), None)


@dataclass(frozen=True, kw_only=True)
class SchemaComparison:
    """Two documents, and what is sent in which direction."""

    ours: Document
    theirs: Document
    direction: Direction

    def differences(self, one: Json, other: Json, place: Place) -> Iterator[tuple[Place, str]]:
        """Where the other schema, of the served document, says otherwise, and what it says."""
        if len(place) > MAX_DEPTH * 2:
            return
        wanted, served = Shape.of(self.ours, one), Shape.of(self.theirs, other)
        if wanted.types is None:
            return
        if served.types is None and not served.members and served.items is None:
            if wanted.members:
                yield place, f"says nothing of the members {_listed(wanted.members)}"
            return
        yield from ((place, what) for what in self._values(wanted, served))
        yield from self._members(wanted, served, place)
        if wanted.items is not None and served.items is not None:
            yield from self.differences(wanted.items, served.items, (*place, "items"))

    def _values(self, wanted: Shape, served: Shape) -> Iterator[str]:
        if self.direction == "form":
            return  # everything in a form is text
        if wanted.types and served.types:
            allowed = served.types | ({"integer"} if "number" in served.types else set())
            if missing := wanted.types - allowed:
                yield f"does not allow {_listed(missing)}"
            whole = {"number"} if "integer" in wanted.types else set()
            extra = served.types - wanted.types - whole
            if extra and self.direction == "answer":
                yield f"allows {_listed(extra)} in addition"
        if wanted.words is not None and served.words is not None:
            if missing := wanted.words - served.words:
                yield f"has no word {_listed(missing)}"
            extra = served.words - wanted.words
            if extra and self.direction == "answer":
                yield f"has the word {_listed(extra)} in addition"
        formats = wanted.formats & _FORMATS, served.formats & _FORMATS
        if all(formats) and not formats[0] & formats[1]:
            yield f"has the format {_listed(formats[1])}, not {_listed(formats[0])}"

    def _members(self, wanted: Shape, served: Shape, place: Place) -> Iterator[tuple[Place, str]]:
        for name, schema in wanted.members.items():
            here = (*place, "properties", name)
            if name not in served.members:
                yield here, "is missing"
                continue
            if name in wanted.required and name not in served.required:
                yield (*place, "required"), f"lacks {name}"
            yield from self.differences(schema, served.members[name], here)
        if self.direction != "answer":
            for name in sorted(served.required - wanted.required):
                yield (*place, "required"), f"has {name}, which the contract does not ask for"


def _alternatives(document: Document, schema: Json, depth: int) -> Iterable[dict[str, Json]]:
    schema = document.resolve(schema)
    if not isinstance(schema, Mapping) or depth > MAX_DEPTH:
        return [{}]
    plain = {k: each for k, each in schema.items() if k not in ("allOf", "anyOf", "oneOf")}
    found = list(_by_type(plain))
    for part in _parts(schema, "allOf"):
        found = _joined(found, _alternatives(document, part, depth + 1))
    for choice in ("anyOf", "oneOf"):
        if parts := _parts(schema, choice):
            chosen = [each for part in parts for each in _alternatives(document, part, depth + 1)]
            found = _joined(found, chosen)
    return found or [{}]


def _parts(schema: Mapping[str, Json], key: str) -> list[Json]:
    parts = schema.get(key)
    return parts[:MAX_ALTERNATIVES] if isinstance(parts, list) else []


def _joined(
    some: Iterable[dict[str, Json]], others: Iterable[dict[str, Json]]
) -> list[dict[str, Json]]:
    """Every pair of alternatives that one value can meet."""
    others = list(others)
    pairs = (_both(one, other) for one in some for other in others)
    return list(islice((pair for pair in pairs if pair is not None), MAX_ALTERNATIVES))


def _both(one: dict[str, Json], other: dict[str, Json]) -> dict[str, Json] | None:
    types = {each["type"] for each in (one, other) if "type" in each}
    if types == {"integer", "number"}:
        types = {"integer"}
    if len(types) > 1:
        return None
    properties = {**(one.get("properties") or {}), **(other.get("properties") or {})}
    required = [*(one.get("required") or ()), *(other.get("required") or ())]
    both = {**one, **other, "properties": properties, "required": required}
    return both | ({"type": types.pop()} if types else {})


def _by_type(schema: dict[str, Json]) -> Iterator[dict[str, Json]]:
    """One alternative for each type that a schema without a choice allows."""
    if "const" in schema:
        schema = {**schema, "enum": [schema["const"]]}
    words = schema.get("enum")
    types = schema.get("type")
    if types is None and isinstance(words, list):
        types = sorted({_type_of(word) for word in words})
    if types is None and schema.get("properties"):
        types = "object"
    if types is None and "items" in schema:
        types = "array"
    if types is None:
        yield schema
        return
    for each in types if isinstance(types, list) else [types]:
        yield {**schema, "type": str(each)}


def _type_of(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
    return "object"


def _listed(names: Iterable[str]) -> str:
    return f"{', '.join(sorted(names)):.120}"
