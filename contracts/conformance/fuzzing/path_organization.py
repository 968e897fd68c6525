"""The organization in the paths of a document, left open for the token of whoever asks."""

from collections.abc import Iterable, Mapping
from typing import Any

from contracts.shared.tenants.schemas import resolved
from harness.target.document.openapi_objects import METHODS
from harness.vocabulary.paths import ORGANIZATION, ORGANIZATION_PARAMETER

_STANDS_FOR_IT = "the-organization-that-asks"
"""No generator makes a path with braces."""

_OPEN = {
    "name": ORGANIZATION_PARAMETER,
    "in": "path",
    "required": True,
    "schema": {"const": _STANDS_FOR_IT},
}


def with_open_organization(document: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the organization in a path as one word, which `opened` makes what sending fills in.

    Anything else there is an invalid request. Strangers' organizations are `tenancy.matrix`'s.
    """
    paths = {
        template: _item(document, item) if ORGANIZATION in template else item
        for template, item in document["paths"].items()
    }
    return {**document, "paths": paths}


def opened(target: str) -> str:
    """The path and query of a case as they are sent: with the organization left open."""
    return target.replace(_STANDS_FOR_IT, ORGANIZATION)


def closed(target: str) -> str:
    """The inverse of `opened`: as the document describes it."""
    return target.replace(ORGANIZATION, _STANDS_FOR_IT)


def _item(document: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
    changed = {
        name: {**node, "parameters": _others(document, node.get("parameters", ()))}
        if name in METHODS and isinstance(node, Mapping)
        else node
        for name, node in item.items()
    }
    return {**changed, "parameters": [*_others(document, item.get("parameters", ())), _OPEN]}


def _others(document: Mapping[str, Any], given: Iterable[Any]) -> list[Any]:
    """The parameters besides the organization in the path."""

    def is_it(parameter: Any) -> bool:  # noqa: ANN401 - JSON
        described = resolved(document, parameter)
        return (described.get("name"), described.get("in")) == (ORGANIZATION_PARAMETER, "path")

    return [each for each in given if not is_it(each)]
