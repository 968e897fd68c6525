"""The contract's OpenAPI document in the paths, methods and fields of a target."""

import copy
from collections.abc import Mapping
from typing import Any

from harness.client.routes import spelled_path
from harness.target import Target
from harness.target.api_document import METHODS


def in_dialect(document: Mapping[str, Any], target: Target) -> dict[str, Any]:
    """The document with the target's method and path for every operation."""
    paths: dict[str, dict[str, Any]] = {}
    for template, item in (document.get("paths") or {}).items():
        for method, node in item.items():
            is_operation = method in METHODS and isinstance(node, Mapping)
            operation_id = str(node.get("operationId")) if is_operation else ""
            if operation_id in target.contract.absent_operations:
                continue
            dialect = target.contract.operations.get(operation_id)
            path = spelled_path(template, dialect.path if dialect else None)
            verb = dialect.method.lower() if dialect and dialect.method else method
            paths.setdefault(path, {})[verb] = node
    return {**document, "paths": paths, "components": _without_absent(document, target)}


def _without_absent(document: Mapping[str, Any], target: Target) -> Any:  # noqa: ANN401 - JSON
    """The components; their schemas have no fields that the target declares absent."""
    components = copy.deepcopy(dict(document.get("components") or {}))
    for resource, name in target.contract.absent_fields:
        schema = (components.get("schemas") or {}).get(resource.title().replace("_", ""), {})
        schema.get("properties", {}).pop(name, None)
        if name in schema.get("required", ()):
            schema["required"].remove(name)
    return components
