"""The OpenAPI document that a target names, with request bodies in types that can be sent."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from harness.target.contract.dialect import Contract
from harness.target.document.described_api import document_of
from harness.target.document.openapi_objects import METHODS

Json = Any

JSON = "application/json"
FORM = "multipart/form-data"


def load_document(contract: Contract) -> Mapping[str, Any]:
    """The OpenAPI document of a target, with the contract's names of operations.

    Bodies of requests that are described for a range of types (`*/*`, as generators write it) are
    described for the type of that range that the contract names.
    """
    document = copy.deepcopy(dict(document_of(contract)))
    for body in _request_bodies(document):
        if isinstance(body.get("content"), dict):
            body["content"] = _in_sendable_types(document, body["content"])
    return document


def _request_bodies(document: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
    """Every Request Body Object, in operations and in components."""
    items = [item for item in (document.get("paths") or {}).values() if isinstance(item, dict)]
    found = [
        item[method].get("requestBody") for item in items for method in METHODS if item.get(method)
    ]
    found += ((document.get("components") or {}).get("requestBodies") or {}).values()
    yield from (body for body in found if isinstance(body, dict))


def _in_sendable_types(document: Json, content: Mapping[str, Json]) -> dict[str, Json]:
    described: dict[str, Json] = {}
    # What is named exactly comes first: a range says only what the others are.
    for name in sorted(content, key=lambda each: "*" in each):
        bare = name.partition(";")[0].strip().lower()
        if "*" in bare:
            bare = FORM if bare == "multipart/*" or _holds_file(document, content[name]) else JSON
        described.setdefault(bare, content[name])
    return described


def _holds_file(document: Json, media: Json) -> bool:
    """Whether a body has a member of raw bytes, which JSON cannot carry."""
    schema = (media or {}).get("schema") or {}
    reference = str(schema.get("$ref", "")).rpartition("#/components/schemas/")[2]
    named = ((document.get("components") or {}).get("schemas") or {}).get(reference)
    members = ((named if reference else schema) or {}).get("properties") or {}
    return any(
        isinstance(each, dict)
        and ("contentMediaType" in each or each.get("format") in ("binary", "byte"))
        for each in members.values()
    )
