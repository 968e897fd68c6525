"""Links between answers, to the operations of the contract: scenarios go along them."""

from collections.abc import Mapping
from typing import Any

from harness.target.document.openapi_objects import METHODS
from harness.target.document.path_parameters import PathParameters
from harness.target.document.places import Place, Wanted, places_in
from harness.untrusted.json_pointers import followed, steps

Json = Any


class Links:
    """The links of a document, and those of the contract for answers that have none."""

    def __init__(
        self,
        document: Json,
        contract: Json,
        found: list[tuple[Wanted, Place]],
        parameters: PathParameters,
    ) -> None:
        self._document, self._contract, self._parameters = document, contract, parameters
        self._ours = {str(one.described.get("operationId")): one for one in places_in(contract)}
        self._wanted = {(one.template, one.method): each for each, one in found}
        self._given_ids = {
            str(one.described["operationId"]): (one.template, one.method)
            for one in places_in(document)
            if "operationId" in one.described
        }

    def lead(self, changed: Json) -> None:
        """Let links lead to operations and parameters by their new names."""
        pending: list[Json] = [changed]
        while pending:
            node = pending.pop()
            if isinstance(node, list):
                pending += node
            elif isinstance(node, dict):
                pending += node.values()
                links = node.get("links")
                for link in links.values() if isinstance(links, dict) else ():
                    if isinstance(link, dict):
                        self._lead_one(link)

    def add(self, paths: Json) -> None:
        """Let answers without links lead where the contract's lead: scenarios go along them."""
        for item in paths.values():
            for method in METHODS:
                node = item.get(method)
                ours = self._ours.get(str(node.get("operationId"))) if node else None
                responses = node.get("responses") if ours else None
                if ours is None or not isinstance(responses, dict):
                    continue
                links = _links_in(self._contract, ours.described)
                for status, response in responses.items():
                    described = followed(self._document, response)
                    if links and str(status)[:1] == "2" and not described.get("links"):
                        responses[status] = {**described, "links": links}

    def _lead_one(self, link: dict[str, Json]) -> None:
        key = self._given_ids.get(str(link.get("operationId")))
        key = key or _key_of(link.get("operationRef"))
        if key is None:
            return
        wanted, (template, _) = self._wanted.get(key), key
        if wanted is not None:
            link.pop("operationRef", None)
            link["operationId"] = wanted.name
        if isinstance(given := link.get("parameters"), dict):
            names = self._parameters.of(template)
            link["parameters"] = {_link_parameter(n, names): each for n, each in given.items()}


def _links_in(contract: Json, described: Mapping[str, Json]) -> dict[str, Json]:
    """The links of the first success that the contract describes."""
    for status, response in (described.get("responses") or {}).items():
        if str(status)[:1] == "2":
            links = followed(contract, response).get("links") or {}
            return {name: dict(followed(contract, each)) for name, each in links.items()}
    return {}


def _key_of(reference: Json) -> tuple[str, str] | None:
    match steps(str(reference)):
        case ("paths", template, method):
            return template, method
    return None


def _link_parameter(name: str, names: Mapping[str, str]) -> str:
    place, dot, bare = name.rpartition(".")
    return f"{place}{dot}{names.get(bare, bare)}" if place in ("", "path") else name
