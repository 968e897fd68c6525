"""The OpenAPI document of a target with the contract's names of operations and path parameters.

A document of a backend's own may have no operationIds, or those of a framework, and call its path
parameters as it likes: its operations are found by method and path, as the target file or the
contract has them. What is demanded of an operation of the contract, a token and its successes, is
not the document's to say.
"""

import copy
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.target.contract.dialect import Contract
from harness.target.document.api_document import contract_document
from harness.target.document.demands import as_demanded
from harness.target.document.document_files import parse_document
from harness.target.document.links import Links
from harness.target.document.openapi_objects import METHODS
from harness.target.document.path_parameters import PathParameters
from harness.target.document.places import PARAMETER, Place, Wanted, found_places, places_in
from harness.target.document.sent_names import name_what_is_sent
from harness.untrusted.json_pointers import followed

Json = Any


def is_shipped(contract: Contract) -> bool:
    """Whether a `[contract]` names the contract's own document."""
    path, shipped = Path(contract.openapi), contract_document()
    return shipped is None or not shipped.is_file() or path.resolve() == shipped.resolve()


def document_of(contract: Contract) -> Mapping[str, Json]:
    """Give the document that a `[contract]` names, its `openapi` absolute.

    Raises `Misconfigured` as `parse_document` does.
    """
    path, shipped = Path(contract.openapi), contract_document()
    if shipped is None or is_shipped(contract):
        return parse_document(path)
    ours = {each.described.get("operationId"): each for each in places_in(parse_document(shipped))}
    wanted = []
    for name in dict.fromkeys([*map(str, ours), *contract.operations]):
        spelled, known = contract.operations.get(name), ours.get(name)
        method = (spelled and spelled.method) or (known and known.method)
        template = (spelled and spelled.path) or (known and known.template)
        if method and template and name not in contract.absent_operations:
            is_placed = spelled is not None and bool(spelled.method or spelled.path)
            success = spelled.success if spelled else ()
            send = tuple(spelled.send.items()) if spelled else ()
            wanted.append(
                Wanted(
                    name=name,
                    method=method.lower(),
                    template=template.partition("?")[0],
                    send=send,
                    success=success,
                    is_placed=is_placed,
                )
            )
    headers = tuple(
        (theirs.lower(), ours)
        for ours, spelled in contract.headers.items()
        if (theirs := spelled.partition(":")[0].strip()) and ":" not in spelled
    )
    return _named(path, shipped, tuple(wanted), headers)


@lru_cache(maxsize=4)
def _named(
    path: Path,
    shipped: Path,
    wanted: tuple[Wanted, ...],
    headers: tuple[tuple[str, str], ...],
) -> Mapping[str, Json]:
    document, contract = parse_document(path), parse_document(shipped)
    changed: dict[str, Json] = copy.deepcopy(dict(document))
    found = found_places(list(places_in(document)), wanted)
    parameters = PathParameters(document, found)
    naming = _Naming(document, contract, found, parameters, dict(headers))
    paths: dict[str, Json] = {}
    for template, item in (changed.get("paths") or {}).items():
        if isinstance(item, dict):
            naming.name(template, item)
            its_path = parameters.path(template)
            paths[its_path] = {**paths.get(its_path, {}), **item}
    changed["paths"] = paths
    links = Links(document, contract, found, parameters)
    links.lead(changed)
    links.add(paths)
    if schemes := (contract.get("components") or {}).get("securitySchemes"):
        components = changed.setdefault("components", {})
        components["securitySchemes"] = {**(components.get("securitySchemes") or {}), **schemes}
    return changed


class _Naming:
    """Which operation of a document is which of the contract."""

    def __init__(
        self,
        document: Json,
        contract: Json,
        found: list[tuple[Wanted, Place]],
        parameters: PathParameters,
        headers: Mapping[str, str],
    ) -> None:
        self._document, self._contract, self._headers = document, contract, headers
        self._ours = {str(one.described.get("operationId")): one for one in places_in(contract)}
        self._wanted = {(one.template, one.method): each for each, one in found}
        self._taken = {each.name for each, _ in found}
        self._parameters = parameters
        self._says_who = "security" in document or any(
            "security" in one.described for one in places_in(document)
        )
        """Whether it says of any operation that it needs a token, or needs none."""

    def name(self, template: str, item: dict[str, Json]) -> None:
        """Name the operations at a path, and their path parameters."""
        self._name_parameters(template, item)
        for method in METHODS:
            node = item.get(method)
            if not isinstance(node, dict):
                continue
            self._name_parameters(template, node)
            wanted = self._wanted.get((template, method))
            if wanted is not None:
                node["operationId"] = wanted.name
                name_what_is_sent(self._document, node, wanted)
                as_demanded(self._contract, self._ours.get(wanted.name), node, wanted)
                continue
            if node.get("operationId") in self._taken:
                del node["operationId"]  # the target file says that another one is it
            if not self._says_who and PARAMETER.search(template):
                # Who says nothing of tokens does not say that a thing is shown without one.
                node["security"] = self._contract.get("security", [])

    def _name_parameters(self, template: str, node: dict[str, Json]) -> None:
        names, given = self._parameters.of(template), node.get("parameters")
        if not isinstance(given, list):
            return
        for number, each in enumerate(given):
            described = followed(self._document, each)
            name = str(described.get("name"))
            if described.get("in") == "path" and names.get(name, name) != name:
                given[number] = {**described, "name": names[name]}
            elif described.get("in") == "header" and name.lower() in self._headers:
                given[number] = {**described, "name": self._headers[name.lower()]}
