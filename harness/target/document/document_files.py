"""Reading an OpenAPI document that may lie in several files, as one: every `$ref` within it.

What another file holds becomes a component, whole path items go where they are referred to. A
document of OpenAPI 3.0 is read as the 3.1 that means the same.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from harness.errors import Misconfigured

Json = Any
Way = tuple[str, ...]
"""The names from the top of a file to a place in it."""

METHODS = ("get", "put", "post", "delete", "patch", "head", "options")

MOST_NODES = 1_000_000
"""More than any document has; aliases of YAML can make far more of a short text."""

DEEPEST = 200

_COMPONENTS = frozenset(
    {
        *("schemas", "responses", "parameters", "examples", "requestBodies", "headers"),
        *("securitySchemes", "links", "callbacks", "pathItems"),
    }
)
"""What may be referred to (OpenAPI 3.1, section 4.8.7)."""

_MAP, _LIST = "map of ", "list of "

_OPERATION = {
    "parameters": _LIST + "parameters",
    "requestBody": "requestBodies",
    "responses": _MAP + "responses",
    "callbacks": _MAP + "callbacks",
}
_PARAMETER = {
    "schema": "schemas",
    "content": _MAP + "media types",
    "examples": _MAP + "examples",
}
_INSIDE: Mapping[str, Mapping[str, str]] = {
    "document": {
        "paths": _MAP + "pathItems",
        "webhooks": _MAP + "pathItems",
        "components": "components",
    },
    "components": {name: _MAP + name for name in _COMPONENTS},
    "pathItems": {
        **dict.fromkeys((*METHODS, "trace"), "operation"),
        "parameters": _LIST + "parameters",
    },
    "operation": _OPERATION,
    "parameters": _PARAMETER,
    "headers": _PARAMETER,
    "requestBodies": {"content": _MAP + "media types"},
    "responses": {
        "headers": _MAP + "headers",
        "content": _MAP + "media types",
        "links": _MAP + "links",
    },
    "media types": {
        "schema": "schemas",
        "examples": _MAP + "examples",
        "encoding": _MAP + "encodings",
    },
    "encodings": {"headers": _MAP + "headers"},
    "schemas": {
        **dict.fromkeys(
            (
                *("items", "additionalProperties", "not", "if", "then", "else", "contains"),
                *("propertyNames", "unevaluatedItems", "unevaluatedProperties", "contentSchema"),
            ),
            "schemas",
        ),
        **dict.fromkeys(
            ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas"),
            _MAP + "schemas",
        ),
        **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), _LIST + "schemas"),
        "discriminator": "discriminator",
    },
}
"""By kind of object: its members that may hold references, and of which kind they are."""


@lru_cache(maxsize=4)
def parse_document(path: Path) -> Mapping[str, Json]:
    """Read an OpenAPI document in YAML or JSON, with the files that it refers to.

    Empty for one that is no object. Raises `Misconfigured` for a file that cannot be read or is
    not YAML, for a reference that leads nowhere, in a circle or onto the network, and for
    Swagger 2.0.
    """
    document = _read(path)
    if not isinstance(document, Mapping):
        return {}
    if "swagger" in document:
        raise Misconfigured(
            f"{path} is Swagger {document['swagger']}, expected OpenAPI 3.0 or 3.1; convert it "
            "(https://converter.swagger.io does, and most frameworks can write the newer form)"
        )
    return _Bundle(path, document).whole()


def _read(path: Path, why: str = "") -> Json:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Misconfigured(f"cannot read the OpenAPI document {path}: {error}{why}") from error
    except UnicodeDecodeError as error:
        raise Misconfigured(f"the OpenAPI document {path} is not UTF-8: {error}{why}") from error
    # The C loader is ten times as fast; PyYAML is built without it on a few platforms.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are the safe ones
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that is none
        raise Misconfigured(f"{path} is not YAML: {error}{why}") from error


class _Bundle:
    """One document, made of files."""

    def __init__(self, root: Path, document: Mapping[str, Json]) -> None:
        self._root = root.resolve()
        self._files: dict[Path, Json] = {self._root: document}
        self._is_old = str(document.get("openapi", "")).startswith("3.0")
        self._components: dict[str, dict[str, Json]] = {}
        self._names: dict[tuple[str, Path, Way], str] = {}
        self._nodes = 0

    def whole(self) -> dict[str, Json]:
        """The document, every reference within it."""
        document: Mapping[str, Json] = self._files[self._root]
        given = document.get("components")
        for kind in _COMPONENTS:
            names = given.get(kind) if isinstance(given, Mapping) else None
            self._components[kind] = dict.fromkeys(names or (), None)
        found = dict(self._walk(document, self._root, "document", ()))
        ours = found.get("components")
        components = dict(ours) if isinstance(ours, Mapping) else {}
        for kind, added in self._components.items():
            new = {name: each for name, each in added.items() if each is not None}
            if new:
                components[kind] = {**(components.get(kind) or {}), **new}
        if components:
            found["components"] = components
        if self._is_old:
            found["openapi"] = "3.1.0"
        return found

    def _walk(
        self, node: Json, file: Path, kind: str, place: Way, via: tuple[Any, ...] = ()
    ) -> Json:
        """A node with its references rewritten; `via`: the path items that led to it."""
        self._nodes += 1
        if self._nodes > MOST_NODES or len(place) > DEEPEST:
            raise Misconfigured(
                f"{file}: expected at most {MOST_NODES} values, {DEEPEST} deep; it has more at "
                f"{_shown(place)}, perhaps an alias of YAML within itself"
            )
        if kind.startswith(_LIST) and isinstance(node, list):
            inner = kind.removeprefix(_LIST)
            return [self._walk(one, file, inner, (*place, str(n))) for n, one in enumerate(node)]
        if not isinstance(node, Mapping):
            return node
        if kind.startswith(_MAP):
            inner = kind.removeprefix(_MAP)
            # YAML reads the status 200 as a number.
            return {
                str(name): self._walk(one, file, inner, (*place, str(name)))
                for name, one in node.items()
            }
        if kind == "callbacks" and "$ref" not in node:
            kind_inside: Mapping[str, str] = dict.fromkeys(map(str, node), "pathItems")
        else:
            kind_inside = _INSIDE.get(kind, {})
        if kind == "discriminator":
            return self._discriminator(node, file, place)
        walked = {
            str(name): self._walk(one, file, inside, (*place, str(name)))
            if (inside := kind_inside.get(str(name)))
            else one
            for name, one in node.items()
        }
        if isinstance(node.get("$ref"), str) and kind in _COMPONENTS:
            return self._referred(walked, file, kind, place, via)
        return _newer(walked) if kind == "schemas" and self._is_old else walked

    def _referred(
        self, node: dict[str, Json], file: Path, kind: str, place: Way, via: tuple[Any, ...]
    ) -> Json:
        reference = str(node["$ref"])
        beside = {name: one for name, one in node.items() if name != "$ref"}
        there, way = self._target(reference, file, place)
        if kind == "pathItems":
            if (there, way) in via:
                raise Misconfigured(
                    f"{file}: {_shown(place)} refers to {reference!r}, which leads back to itself"
                )
            item = self._found(there, way, file, reference, place)
            walked = self._walk(item, there, kind, way, (*via, (there, way)))
            return {**walked, **beside} if isinstance(walked, Mapping) else beside
        self._follow(there, way, file, reference, place)
        rewritten = self._within(there, way, kind, file, reference, place)
        # In OpenAPI 3.0 nothing counts beside a reference (4.7.23).
        return {"$ref": rewritten} if self._is_old else {"$ref": rewritten, **beside}

    def _within(
        self, there: Path, way: Way, kind: str, file: Path, reference: str, place: Way
    ) -> str:
        """The reference within the whole document; what it leads to becomes a component."""
        if there == self._root and way:
            return f"#{_pointer(way)}"
        key = (kind, there, way)
        if key not in self._names:
            node = self._found(there, way, file, reference, place)
            taken = self._components[kind]
            name = re.sub(r"[^A-Za-z0-9._-]", "_", way[-1] if way else there.stem) or "component"
            number = 1
            unique = name
            while unique in taken:
                number += 1
                unique = f"{name}_{number}"
            self._names[key] = unique
            taken[unique] = {}
            taken[unique] = self._walk(node, there, kind, way)
        return f"#/components/{kind}/{self._names[key]}"

    def _target(self, reference: str, file: Path, place: Way) -> tuple[Path, Way]:
        """The file that a reference leads to, and the way within it."""
        where, _, fragment = reference.partition("#")
        begins = f"{file}: {_shown(place)} refers to {reference!r}"
        if urlsplit(where).scheme or where.startswith("//"):
            raise Misconfigured(
                f"{begins}, which is not a file beside it: documents are never read over the "
                "network; save that one here and refer to it by its name"
            )
        if fragment and not fragment.startswith("/"):
            raise Misconfigured(
                f"{begins}: anchors are not followed; expected a JSON Pointer, such as "
                "#/components/schemas/Job"
            )
        there = (file.parent / unquote(where)).resolve() if where else file
        steps = unquote(fragment).split("/")[1:]
        return there, tuple(one.replace("~1", "/").replace("~0", "~") for one in steps)

    def _found(self, there: Path, way: Way, file: Path, reference: str, place: Way) -> Json:
        why = f" (in {file}, {_shown(place)} refers to {reference!r})"
        if there not in self._files:
            self._files[there] = _read(there, why)
        node: Json = self._files[there]
        for step in way:
            if isinstance(node, Mapping):
                named = {str(name): one for name, one in node.items()}
                node = named.get(step, _MISSING)
            elif isinstance(node, list) and step.isdecimal() and int(step) < len(node):
                node = node[int(step)]
            else:
                node = _MISSING
            if node is _MISSING:
                raise Misconfigured(
                    f"{file}: {_shown(place)} refers to {reference!r}, but {there.name} has no "
                    f"{_pointer(way)}"
                )
        return node

    def _follow(self, there: Path, way: Way, file: Path, reference: str, place: Way) -> None:
        """Make sure that references end at something that is none."""
        seen = set()
        step_file, step_place, step = file, place, reference
        while True:
            if (there, way) in seen:
                raise Misconfigured(
                    f"{file}: {_shown(place)} refers to {reference!r}, which leads back to itself"
                )
            seen.add((there, way))
            node = self._found(there, way, step_file, step, step_place)
            if not isinstance(node, Mapping) or not isinstance(node.get("$ref"), str):
                return
            step_file, step_place, step = there, way, str(node["$ref"])
            there, way = self._target(step, there, way)

    def _discriminator(self, node: Mapping[str, Json], file: Path, place: Way) -> Json:
        mapping = node.get("mapping")
        if not isinstance(mapping, Mapping):
            return dict(node)
        here = (*place, "mapping")
        changed = {}
        for word, target in mapping.items():
            text = str(target)
            if re.search(r"[#/]|\.(ya?ml|json)$", text):  # else the name of a schema
                text = self._within(*self._target(text, file, here), "schemas", file, text, here)
            changed[word] = text
        return {**node, "mapping": changed}


_MISSING = object()


def _newer(schema: dict[str, Json]) -> dict[str, Json]:
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


def _pointer(way: Way) -> str:
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in way)


def _shown(place: Way) -> str:
    return _pointer(place) or "its top"
