"""The properties of what an API sends and takes, wherever in an object they are."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.init.lexicon import Words, words_of
from harness.init.references import Document, Json
from harness.untrusted.members import items

_DEEPEST = 3
_MOST = 400
"""Properties of one thing that are looked at; more of them is no answer of such an API."""

_HEX = re.compile(r"\^?\[[0-9a-fA-F\-]+\][{+]")


@dataclass(frozen=True, kw_only=True)
class Property:
    """One property of a thing, by its JSON Pointer within it."""

    pointer: str
    own: Words
    around: Words
    """The words of the objects that it is in."""
    kind: str
    """`id`, `time`, `count`, `flag`, `object`, `list`, `digest`, `file`, `word`, `text`, `any`."""
    words: tuple[str, ...] = ()
    """The values that it may have, where they are listed."""
    nullable: bool = False
    required: bool = False
    numbered: bool = False
    """Of a column: whether a number in it stands there once in the whole table."""
    schema: Json = None

    @property
    def name(self) -> str:
        """The last part of the pointer."""
        return self.pointer.rpartition("/")[2]


def properties(document: Document, schema: Json) -> tuple[Property, ...]:
    """Give every property of an object, those of objects within it included."""
    found: list[Property] = []
    for each in _walk(document, schema, "", (), 0):
        found.append(each)
        if len(found) >= _MOST:
            break
    return tuple(found)


def _walk(
    document: Document, schema: Json, pointer: str, around: Words, depth: int
) -> Iterator[Property]:
    required = items(document.plain(schema), "required")
    for name, raw in document.members(schema).items():
        if name.startswith("@"):  # JSON-LD's own
            continue
        resolved = document.plain(raw)
        own = words_of(name)
        below = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
        yield Property(
            pointer=below,
            own=own,
            around=around,
            kind=kind_of(document, resolved),
            words=document.listed(resolved),
            nullable=document.nullable(raw),
            required=name in required,
            schema=resolved,
        )
        if depth + 1 < _DEEPEST and document.members(resolved):
            yield from _walk(document, resolved, below, (*around, *own), depth + 1)


def kind_of(document: Document, schema: Json) -> str:
    """Name the kind of value that a schema describes."""
    kinds = document.types(schema)
    form = str(schema.get("format", "")).lower() if isinstance(schema, Mapping) else ""
    if document.members(schema) or "object" in kinds:
        return "object"
    if "array" in kinds:
        inside = document.plain(schema.get("items"))
        return "file" if inside and kind_of(document, inside) == "file" else "list"
    if "boolean" in kinds:
        return "flag"
    if "integer" in kinds or "number" in kinds:
        return "count"
    if document.listed(schema):
        return "word"
    by_format = {
        "uuid": "id",
        "guid": "id",
        "date-time": "time",
        "datetime": "time",
        "google-datetime": "time",
        "date": "time",
    }
    if form in by_format:
        return by_format[form]
    if form in {"binary", "byte"} or "file" in kinds or _has_media(schema):
        return "file"
    if _is_digest(schema):
        return "digest"
    return "text" if "string" in kinds else "any"


_IDS = frozenset({"id", "uuid", "guid", "uid", "gid", "oid", "ref", "key"})


def is_id_name(own: Words) -> bool:
    """Whether a name is that of an id, by its last word."""
    return bool(own) and own[-1] in _IDS


def is_id(place: Property) -> bool:
    """Whether a property is an id of something, by its form or by its last word."""
    return place.kind == "id" or (place.kind in {"text", "count", "any"} and is_id_name(place.own))


def refers_to(place: Property, noun: str) -> bool:
    """Whether a property is the id of one thing of a collection: `case_id`, of `cases`."""
    own = [word for word in place.own if word not in _IDS]
    return is_id(place) and place.own != tuple(own) and " ".join(own).endswith(noun)


def _has_media(schema: Json) -> bool:
    return isinstance(schema, Mapping) and "contentMediaType" in schema


def _is_digest(schema: Json) -> bool:
    if not isinstance(schema, Mapping):
        return False
    pattern: Any = schema.get("pattern")
    is_hex = isinstance(pattern, str) and _HEX.search(pattern) is not None
    return (is_hex and "64" in str(pattern)) or schema.get("minLength") == schema.get(
        "maxLength"
    ) == 64


FITS: Mapping[str, Mapping[str, float]] = {
    "id": {"id": 1.0, "text": 0.8, "any": 0.5, "count": 0.6, "word": 0.1},
    "time": {"time": 1.0, "text": 0.5, "any": 0.5, "count": 0.3},
    "count": {"count": 1.0, "any": 0.5, "text": 0.4},
    "flag": {"flag": 1.0, "any": 0.4, "word": 0.2},
    "object": {"object": 1.0, "any": 0.7},
    "list": {"list": 1.0, "any": 0.3},
    "digest": {"digest": 1.0, "text": 0.9, "any": 0.5},
    "text": {"text": 1.0, "word": 0.9, "id": 0.6, "any": 0.7, "digest": 0.2, "count": 0.2},
    "word": {"word": 1.0, "text": 0.85, "any": 0.5},
    "file": {"file": 1.0, "any": 0.5, "text": 0.4, "list": 0.3},
}
"""By the kind that the contract has: how well each kind of a backend's property can be it."""
