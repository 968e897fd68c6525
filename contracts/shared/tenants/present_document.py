"""An OpenAPI document without what the target declares absent."""

import copy
from collections.abc import Mapping
from typing import Any

from contracts.shared.tenants.schemas import resolved
from harness.asks import leave_out
from harness.client.absence import PAGING
from harness.target.contract.dialect import Contract
from harness.target.document.openapi_objects import METHODS

Json = Any


def present_document(document: Mapping[str, Json], contract: Contract) -> dict[str, Json]:
    """Give the document with the operations, fields, parameters and members that there are."""
    paths: dict[str, dict[str, Json]] = {}
    for template, item in (document.get("paths") or {}).items():
        for name, node in item.items():
            is_operation = name in METHODS and isinstance(node, Mapping)
            operation_id = str(node.get("operationId")) if is_operation else ""
            if operation_id in contract.absent_operations:
                leave_out(operation_id)
                continue
            present = _operation(document, node, operation_id, contract) if is_operation else node
            paths.setdefault(template, {})[name] = present
    return {**document, "paths": paths, "components": _components(document, contract)}


def _operation(
    document: Mapping[str, Json], node: Mapping[str, Json], operation_id: str, contract: Contract
) -> Mapping[str, Json]:
    kept = [
        _parameter(document, each, contract)
        for each in node.get("parameters", ())
        if not _is_absent(resolved(document, each), operation_id, contract)
    ]
    changed = {**node, "parameters": kept} if "parameters" in node else dict(node)
    members = [
        name.partition(".")[2]
        for name in contract.without.parameters
        if name.partition(".")[0] == operation_id
    ]
    for member in members:
        leave_out(f"{operation_id}.{member}")
    if members and "requestBody" in node:
        changed["requestBody"] = _body(document, node["requestBody"], members)
    if "responses" in node:
        changed["responses"] = {
            status: _response(document, each, operation_id, contract)
            for status, each in node["responses"].items()
        }
    return changed


def _response(
    document: Mapping[str, Json], node: Json, operation_id: str, contract: Contract
) -> Json:
    """A response without links from absent fields; a list that has no pages without a cursor."""
    response = dict(resolved(document, node))
    if "links" in response:
        response["links"] = {
            name: link
            for name, link in response["links"].items()
            if not _leads_nowhere(resolved(document, link), contract)
        }
    if contract.without.has_no_pages(operation_id) and "content" in response:
        response["content"] = {
            media_type: _whole_list(document, media, operation_id)
            for media_type, media in response["content"].items()
        }
    return response


def _leads_nowhere(link: Mapping[str, Json], contract: Contract) -> bool:
    """Whether a link takes a field that is absent, or gives a member that is."""
    absent = tuple(f"/{name}" for _, name in contract.absent_fields)
    taken = [str(each) for each in (link.get("parameters") or {}).values()]
    given = link.get("requestBody")
    members = given if isinstance(given, Mapping) else {}
    target = str(link.get("operationId"))
    return any(each.endswith(absent) for each in taken if absent) or any(
        contract.without.parameter(name, target) for name in members
    )


def _whole_list(document: Mapping[str, Json], media: Json, operation_id: str) -> Json:
    """The answer of a list without pages: it has no cursor."""
    schema = resolved(document, media.get("schema") or {})
    if "next_cursor" not in schema.get("properties", {}):
        return media
    leave_out(f"pages of {operation_id}")
    required = [name for name in schema.get("required", ()) if name != "next_cursor"]
    return {**media, "schema": {**schema, "required": required}}


def _is_absent(parameter: Mapping[str, Json], operation_id: str, contract: Contract) -> bool:
    without, name = contract.without, str(parameter.get("name"))
    if parameter.get("in") == "header":
        return without.header(name, operation_id)
    if name in PAGING:
        return without.has_no_pages(operation_id)
    return without.parameter(name, operation_id)


def _parameter(document: Mapping[str, Json], node: Json, contract: Contract) -> Json:
    """A parameter as it is; the types of exports without those that are absent."""
    parameter = resolved(document, node)
    if parameter.get("name") != "export_type" or not contract.without.export_types:
        return node
    schema = resolved(document, parameter.get("schema"))
    left = [each for each in schema.get("enum", ()) if each not in contract.without.export_types]
    return {**parameter, "schema": {**schema, "enum": left}, "example": left[0]} if left else node


def _body(document: Mapping[str, Json], node: Json, members: list[str]) -> Json:
    body = copy.deepcopy(resolved(document, node))
    for media in (body.get("content") or {}).values():
        schema = media["schema"] = copy.deepcopy(resolved(document, media.get("schema")))
        for name in members:
            schema.get("properties", {}).pop(name, None)
        if "required" in schema:
            schema["required"] = [each for each in schema["required"] if each not in members]
        ways = [
            way
            for way in schema.pop("anyOf", ())
            if not any(name in members for name in way.get("required", ()))
        ]
        if len(ways) == 1:  # one way is left to ask: what it wants is wanted
            schema["required"] = [*schema.get("required", ()), *ways[0].get("required", ())]
        elif ways:
            schema["anyOf"] = ways
        for shown in ("example", "examples"):
            media.pop(shown, None)
            schema.pop(shown, None)
    return body


def _components(document: Mapping[str, Json], contract: Contract) -> Json:
    components = copy.deepcopy(dict(document.get("components") or {}))
    for resource, name in contract.absent_fields:
        schema = (components.get("schemas") or {}).get(resource.title().replace("_", ""), {})
        schema.get("properties", {}).pop(name, None)
        if name in schema.get("required", ()):
            schema["required"].remove(name)
    return components
