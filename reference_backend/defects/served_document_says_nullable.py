"""The document passes through a converter for OpenAPI 3.0 tools; its version stays 3.1."""

from __future__ import annotations

import json
from typing import Any

from reference_backend.defects import Defect, _helpers


def _converted(node: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(node, list):
        return [_converted(each) for each in node]
    if not isinstance(node, dict):
        return node
    node = {name: _converted(each) for name, each in node.items()}
    kinds = node.get("type")
    if isinstance(kinds, list) and "null" in kinds:
        (node["type"],) = (kind for kind in kinds if kind != "null")
        node["nullable"] = True
    return node


def _patch() -> None:
    _helpers.change_document(lambda document: json.dumps(_converted(json.loads(document))).encode())


DEFECT = Defect(
    title="The served document writes `nullable` as in OpenAPI 3.0: under 3.1 no value may be null",
    source="known: OpenAPI 3.1 dropped `nullable`, and converters did not",
    expected=("contract.openapi",),
    patch=_patch,
)
