"""Query parameters and members of bodies, by the contract's names of what is sent in them."""

from collections.abc import Mapping
from typing import Any

from harness.target.contract.constants import way_of
from harness.target.document.places import Wanted
from harness.untrusted.json_pointers import followed

Json = Any


def name_what_is_sent(document: Json, node: dict[str, Json], wanted: Wanted) -> None:
    """Name query parameters and members of the body as the contract does: what is sent under
    those names is put back where it belongs.
    """
    in_query = {place[1:]: ours for ours, place in wanted.send if place.startswith("?")}
    in_body = {
        way_of(place)[0]: ours
        for ours, place in wanted.send
        if not place.startswith("?") and "/" not in place[1:]
    }
    given = node["parameters"] if isinstance(node.get("parameters"), list) else []
    for number, each in enumerate(given):
        described = followed(document, each)
        if described.get("in") == "query" and described.get("name") in in_query:
            given[number] = {**described, "name": in_query[described["name"]]}
    body = dict(followed(document, node.get("requestBody")))
    content = body.get("content")
    if not in_body or not isinstance(content, Mapping):
        return
    body["content"] = {
        kind: {
            **{name: each for name, each in media.items() if not name.startswith("example")},
            "schema": _renamed(document, media.get("schema"), in_body),
        }
        if isinstance(media, Mapping)
        else media
        for kind, media in content.items()
    }
    node["requestBody"] = body


def _renamed(document: Json, schema: Json, names: Mapping[str, str]) -> Json:
    described = followed(document, schema)
    members = described.get("properties")
    if not isinstance(members, Mapping) or not names.keys() & members.keys():
        return schema
    if set(names.values()) & set(members) - set(names):
        return schema  # two members of one name are none
    changed = {**described, "properties": {names.get(n, n): m for n, m in members.items()}}
    if isinstance(required := described.get("required"), list):
        changed["required"] = [names.get(name, name) for name in required]
    return {name: each for name, each in changed.items() if not name.startswith("example")}
