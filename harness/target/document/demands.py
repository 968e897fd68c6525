"""What is demanded of an operation of the contract, whatever a backend's document says of it."""

from collections.abc import Mapping
from typing import Any

from harness.target.document.places import Place, Wanted
from harness.untrusted.json_pointers import followed

Json = Any

_REFUSALS = (400, 401, 403, 404, 405, 406, 409, 410, 412, 413, 414, 415, 416, 422, 428, 429, 431)
"""What a document means by `4XX`."""


def as_demanded(contract: Json, ours: Place | None, node: dict[str, Json], wanted: Wanted) -> None:
    """Demand what the contract demands, and spell out ranges of statuses (OpenAPI 3.1, 4.8.16)."""
    of_contract = ours.described if ours else {}
    if ours is not None:
        node["security"] = of_contract.get("security", contract.get("security", []))
        _demand_headers(contract, of_contract, node)
    responses = node.get("responses")
    if not isinstance(responses, dict):
        return
    successes = wanted.success or tuple(
        int(status) for status in of_contract.get("responses") or {} if str(status)[:1] == "2"
    )
    any_other = responses.pop("default", None)
    for name, statuses in (("2XX", successes or (200,)), ("4XX", _REFUSALS)):
        range_ = responses.pop(name, responses.pop(name.lower(), None))
        described = any_other if range_ is None else range_
        is_there = any(status[:1] == name[0] for status in responses)
        if described is not None and not (name == "2XX" and is_there):
            for status in statuses:
                responses.setdefault(str(status), described)
    for status in [each for each in responses if not each.isdigit()]:
        del responses[status]


def _demand_headers(contract: Json, of_contract: Mapping[str, Json], node: dict[str, Json]) -> None:
    """Require the headers of requests that the contract requires, which few generators describe."""
    described = node.get("parameters")
    given: list[Json] = list(described) if isinstance(described, list) else []
    for each in of_contract.get("parameters", ()):
        ours = followed(contract, each)
        if ours.get("in") != "header" or not ours.get("required"):
            continue
        name = str(ours["name"]).lower()
        theirs = [one for one in given if _is_header(one, name)]
        given = [one for one in given if not _is_header(one, name)]
        given.append({**(theirs[0] if theirs else _without_refs(contract, ours)), "required": True})
        node["parameters"] = given


def _is_header(parameter: Json, name: str) -> bool:
    return (
        isinstance(parameter, Mapping)
        and parameter.get("in") == "header"
        and str(parameter.get("name")).lower() == name
    )


def _without_refs(contract: Json, node: Json) -> Json:
    """A piece of the contract that can stand in another document."""
    if isinstance(node, Mapping):
        return {
            name: _without_refs(contract, one) for name, one in followed(contract, node).items()
        }
    return [_without_refs(contract, one) for one in node] if isinstance(node, list) else node
