"""A document without what the target adds to every request: only the target decides about that."""

import re
from collections.abc import Mapping
from typing import Any

from contracts.shared.tenants.schemas import Unbuildable, resolved
from harness.client.routes import routes_of
from harness.target import Target
from harness.target.contract.constants import AddedParts
from harness.target.document.openapi_objects import METHODS

Json = Any

_PARAMETER = re.compile(r"\{[^}/]*\}")


def without_constants(document: Mapping[str, Json], target: Target) -> dict[str, Json]:
    """The document without the headers, parameters and members that are constants of the target.

    Generated values would be replaced by them anyhow, and what is left out would not be missing.
    """
    if not target.contract.all_constants:
        return dict(document)
    names = {
        (route.method, _nameless(route.template)): name for name, route in routes_of(target).items()
    }
    paths = {}
    for template, item in (document.get("paths") or {}).items():
        if not isinstance(item, Mapping):
            paths[template] = item
            continue
        changed = dict(item)
        for method in METHODS:
            node = item.get(method)
            if isinstance(node, Mapping):
                name = names.get((method.upper(), _nameless(template)), "")
                added = target.contract.added(name)
                changed[method] = _without(document, node, added)
        if "parameters" in item:
            changed["parameters"] = _parameters(document, item, target.contract.added())
        paths[template] = changed
    return {**document, "paths": paths}


def _without(document: Json, node: Mapping[str, Json], added: AddedParts) -> dict[str, Json]:
    changed = dict(node)
    if "parameters" in node:
        changed["parameters"] = _parameters(document, node, added)
    if "requestBody" in node and added.body:
        changed["requestBody"] = _body(document, node["requestBody"], added)
    return changed


def _parameters(document: Json, node: Mapping[str, Json], added: AddedParts) -> list[Json]:
    constants = {("header", name.lower()) for name in added.headers}
    constants |= {("query", name) for name in added.query}
    return [each for each in node["parameters"] if _key(document, each) not in constants]


def _key(document: Json, parameter: Json) -> tuple[str, str]:
    found = _read(document, parameter)
    name, place = str(found.get("name")), str(found.get("in"))
    return place, name.lower() if place == "header" else name


def _body(document: Json, body: Json, added: AddedParts) -> Json:
    described = _read(document, body)
    content = {
        kind: {**media, "schema": _schema(document, media["schema"], added.body)}
        if isinstance(media, Mapping) and "schema" in media
        else media
        for kind, media in (described.get("content") or {}).items()
    }
    return {**described, "content": content}


def _schema(document: Json, schema: Json, ways: Mapping[tuple[str, ...], Json]) -> Json:
    """A schema of an object without the members at the ends of the ways."""
    found = _read(document, schema)
    members = found.get("properties")
    members = members if isinstance(members, Mapping) else {}
    there = {way for way in ways if way[0] in members}
    if not there:
        return schema
    kept = dict(members)
    for name in {way[0] for way in there}:
        below = {way[1:]: ways[way] for way in there if way[0] == name}
        if () in below:
            del kept[name]
        else:
            kept[name] = _schema(document, kept[name], below)
    gone = set(members) - set(kept)
    required = [name for name in found.get("required", ()) if name not in gone]
    changed = {name: each for name, each in found.items() if name != "required"}
    return {**changed, "properties": kept, **({"required": required} if required else {})}


def _read(document: Json, node: Json) -> dict[str, Json]:
    try:
        return resolved(document, node)
    except Unbuildable:  # a broken reference is reported where references are looked at
        return {}


def _nameless(template: str) -> str:
    return _PARAMETER.sub("{}", template.partition("?")[0])
