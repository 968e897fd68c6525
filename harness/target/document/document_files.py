"""Reading an OpenAPI document that may lie in several files, as one: every `$ref` within it.

What another file holds becomes a component, whole path items go where they are referred to. A
document of OpenAPI 3.0 is read as the 3.1 that means the same.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.errors import Misconfigured
from harness.target.document.older_schemas import newer_schema
from harness.target.document.openapi_objects import COMPONENTS, INSIDE, LIST, MAP
from harness.target.document.reference_files import ReferenceFiles, Way, read_yaml, shown
from harness.untrusted.json_pointers import pointer

Json = Any

MOST_NODES = 1_000_000
"""More than any document has; aliases of YAML can make far more of a short text."""

DEEPEST = 200


@lru_cache(maxsize=4)
def parse_document(path: Path) -> Mapping[str, Json]:
    """Read an OpenAPI document in YAML or JSON, with the files that it refers to.

    Empty for one that is no object. Raises `Misconfigured` for a file that cannot be read or is
    not YAML, for a reference that leads nowhere, in a circle or onto the network, and for
    Swagger 2.0.
    """
    document = read_yaml(path)
    if not isinstance(document, Mapping):
        return {}
    if "swagger" in document:
        raise Misconfigured(
            f"{path} is Swagger {document['swagger']}, expected OpenAPI 3.0 or 3.1; convert it "
            "(https://converter.swagger.io does, and most frameworks can write the newer form)"
        )
    return _Bundle(path, document).whole()


class _Bundle:
    """One document, made of files."""

    def __init__(self, root: Path, document: Mapping[str, Json]) -> None:
        self._root, self._document = root.resolve(), document
        self._files = ReferenceFiles(self._root, document)
        self._is_old = str(document.get("openapi", "")).startswith("3.0")
        self._components: dict[str, dict[str, Json]] = {}
        self._names: dict[tuple[str, Path, Way], str] = {}
        self._nodes = 0

    def whole(self) -> dict[str, Json]:
        """The document, every reference within it."""
        document = self._document
        given = document.get("components")
        for kind in COMPONENTS:
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
                f"{shown(place)}, perhaps an alias of YAML within itself"
            )
        if kind.startswith(LIST) and isinstance(node, list):
            inner = kind.removeprefix(LIST)
            return [self._walk(one, file, inner, (*place, str(n))) for n, one in enumerate(node)]
        if not isinstance(node, Mapping):
            return node
        if kind.startswith(MAP):
            inner = kind.removeprefix(MAP)
            # YAML reads the status 200 as a number.
            return {
                str(name): self._walk(one, file, inner, (*place, str(name)))
                for name, one in node.items()
            }
        if kind == "callbacks" and "$ref" not in node:
            kind_inside: Mapping[str, str] = dict.fromkeys(map(str, node), "pathItems")
        else:
            kind_inside = INSIDE.get(kind, {})
        if kind == "discriminator":
            return self._discriminator(node, file, place)
        walked = {
            str(name): self._walk(one, file, inside, (*place, str(name)))
            if (inside := kind_inside.get(str(name)))
            else one
            for name, one in node.items()
        }
        if isinstance(node.get("$ref"), str) and kind in COMPONENTS:
            return self._referred(walked, file, kind, place, via)
        return newer_schema(walked) if kind == "schemas" and self._is_old else walked

    def _referred(
        self, node: dict[str, Json], file: Path, kind: str, place: Way, via: tuple[Any, ...]
    ) -> Json:
        reference = str(node["$ref"])
        beside = {name: one for name, one in node.items() if name != "$ref"}
        there, way = self._files.target(reference, file, place)
        if kind == "pathItems":
            if (there, way) in via:
                raise Misconfigured(
                    f"{file}: {shown(place)} refers to {reference!r}, which leads back to itself"
                )
            item = self._files.found(there, way, file, reference, place)
            walked = self._walk(item, there, kind, way, (*via, (there, way)))
            return {**walked, **beside} if isinstance(walked, Mapping) else beside
        self._files.follow(there, way, file, reference, place)
        rewritten = self._within(there, way, kind, file, reference, place)
        # In OpenAPI 3.0 nothing counts beside a reference (4.7.23).
        return {"$ref": rewritten} if self._is_old else {"$ref": rewritten, **beside}

    def _within(
        self, there: Path, way: Way, kind: str, file: Path, reference: str, place: Way
    ) -> str:
        """The reference within the whole document; what it leads to becomes a component."""
        if there == self._root and way:
            return f"#{pointer(way)}"
        key = (kind, there, way)
        if key not in self._names:
            node = self._files.found(there, way, file, reference, place)
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

    def _discriminator(self, node: Mapping[str, Json], file: Path, place: Way) -> Json:
        mapping = node.get("mapping")
        if not isinstance(mapping, Mapping):
            return dict(node)
        here = (*place, "mapping")
        changed = {}
        for word, target in mapping.items():
            text = str(target)
            if re.search(r"[#/]|\.(ya?ml|json)$", text):  # else the name of a schema
                text = self._within(
                    *self._files.target(text, file, here), "schemas", file, text, here
                )
            changed[word] = text
        return {**node, "mapping": changed}
