"""An OpenAPI document without what the target declares absent."""

import copy
from collections.abc import Mapping
from typing import Any

from contracts.shared.tenants.schemas import resolved
from harness.asks import leave_out
from harness.client.absence import PAGING
from harness.target.dialect import Contract
from harness.target.document_files import METHODS

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
    return changed


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
