"""The contract's OpenAPI document in the paths, methods and fields of a target."""

from collections.abc import Mapping
from typing import Any

from contracts.conformance.fuzzing.constants import without_constants
from contracts.shared.tenants.present_document import present_document
from harness.client.routes import spelled_path
from harness.target import Target
from harness.target.document.openapi_objects import METHODS


def in_dialect(document: Mapping[str, Any], target: Target) -> dict[str, Any]:
    """The document with the target's method and path for every operation that it has.

    Without the target's constants, about which only the target decides.
    """
    present = present_document(document, target.contract)
    paths: dict[str, dict[str, Any]] = {}
    for template, item in present["paths"].items():
        for method, node in item.items():
            is_operation = method in METHODS and isinstance(node, Mapping)
            operation_id = str(node.get("operationId")) if is_operation else ""
            dialect = target.contract.operations.get(operation_id)
            path = spelled_path(template, dialect.path if dialect else None)
            verb = dialect.method.lower() if dialect and dialect.method else method
            paths.setdefault(path, {})[verb] = node
    return without_constants({**present, "paths": paths}, target)
