"""The OpenAPI document of a target with the contract's names of operations and path parameters.

A document of a backend's own may have no operationIds, or those of a framework, and call its path
parameters as it likes: its operations are found by method and path, as the target file or the
contract has them. What is demanded of an operation of the contract, a token and its successes, is
not the document's to say.
"""

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.target.contract.dialect import Contract
from harness.target.document.api_document import contract_document
from harness.target.document.document_files import METHODS, parse_document

Json = Any

_PARAMETER = re.compile(r"\{([^}/]+)\}")

_REFUSALS = (400, 401, 403, 404, 405, 406, 409, 410, 412, 413, 414, 415, 416, 422, 428, 429, 431)
"""What a document means by `4XX`."""


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """Where an operation of the contract is to be found in a document."""

    name: str
    method: str
    template: str
    """With the contract's names of parameters."""
    send: tuple[tuple[str, str], ...] = ()
    """Where the target file sends what, by the contract's names."""
    success: tuple[int, ...] = ()
    """The statuses of success that the target file declares."""
    is_placed: bool = False
    """Whether the target file says method or path."""


@dataclass(frozen=True, kw_only=True)
class _Place:
    """One operation as a document has it."""

    template: str
    method: str
    prefix: str = ""
    """What a server of the document puts before its paths."""
    described: Mapping[str, Json] = field(repr=False)

    @property
    def path(self) -> str:
        """The path as the backend has it."""
        return self.prefix + self.template


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
    ours = {each.described.get("operationId"): each for each in _places(parse_document(shipped))}
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
                _Wanted(
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
    wanted: tuple[_Wanted, ...],
    headers: tuple[tuple[str, str], ...],
) -> Mapping[str, Json]:
    document, contract = parse_document(path), parse_document(shipped)
    changed: dict[str, Json] = copy.deepcopy(dict(document))
    found = _found(list(_places(document)), wanted)
    naming = _Naming(document, contract, found, dict(headers))
    paths: dict[str, Json] = {}
    for template, item in (changed.get("paths") or {}).items():
        if isinstance(item, dict):
            naming.name(template, item)
            its_path = naming.path(template)
            paths[its_path] = {**paths.get(its_path, {}), **item}
    changed["paths"] = paths
    naming.lead_links(changed)
    naming.add_links(paths)
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
        found: list[tuple[_Wanted, _Place]],
        headers: Mapping[str, str],
    ) -> None:
        self._document, self._contract, self._headers = document, contract, headers
        self._ours = {str(one.described.get("operationId")): one for one in _places(contract)}
        self._wanted = {(one.template, one.method): each for each, one in found}
        self._taken = {each.name for each, _ in found}
        self._prefixes = {one.template: one.prefix for _, one in found}
        self._parameters = {
            one.template: _renamed(one.template, each.template)
            for each, one in reversed(found)
            if _has_as_many(one, each)
        }
        """By template: the contract's name of each path parameter, by the document's."""
        self._learn()
        places = list(_places(document))
        self._says_who = "security" in document or any(
            "security" in one.described for one in places
        )
        """Whether it says of any operation that it needs a token, or needs none."""
        self._given_ids = {
            str(one.described["operationId"]): (one.template, one.method)
            for one in places
            if "operationId" in one.described
        }

    def _learn(self) -> None:
        """Name the path parameters of other operations as those of the contract at their place."""
        known = {
            prefix: names[name]
            for template, names in self._parameters.items()
            for prefix, name in _prefixes_in(template)
        }
        for template in self._document.get("paths") or {}:
            if template not in self._parameters:
                self._parameters[template] = {
                    name: known[prefix]
                    for prefix, name in _prefixes_in(template)
                    if prefix in known
                }

    def path(self, template: str) -> str:
        """A path of the document as the backend has it, its parameters by the contract's names."""
        names = self._parameters.get(template, {})
        pieces = _PARAMETER.split(template)
        return self._prefixes.get(template, "") + "".join(
            "{" + names.get(piece, piece) + "}" if number % 2 else piece
            for number, piece in enumerate(pieces)
        )

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
                self._name_what_is_sent(node, wanted)
                _as_demanded(self._contract, self._ours.get(wanted.name), node, wanted)
                continue
            if node.get("operationId") in self._taken:
                del node["operationId"]  # the target file says that another one is it
            if not self._says_who and _PARAMETER.search(template):
                # Who says nothing of tokens does not say that a thing is shown without one.
                node["security"] = self._contract.get("security", [])

    def lead_links(self, changed: Json) -> None:
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
                        self._lead(link)

    def add_links(self, paths: Json) -> None:
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
                    described = _resolved(self._document, response)
                    if links and str(status)[:1] == "2" and not described.get("links"):
                        responses[status] = {**described, "links": links}

    def _lead(self, link: dict[str, Json]) -> None:
        key = self._given_ids.get(str(link.get("operationId")))
        key = key or _key_of(link.get("operationRef"))
        if key is None:
            return
        wanted, (template, _) = self._wanted.get(key), key
        if wanted is not None:
            link.pop("operationRef", None)
            link["operationId"] = wanted.name
        if isinstance(given := link.get("parameters"), dict):
            names = self._parameters.get(template, {})
            link["parameters"] = {_link_parameter(n, names): each for n, each in given.items()}

    def _name_what_is_sent(self, node: dict[str, Json], wanted: _Wanted) -> None:
        """Name query parameters and members of the body as the contract does: what is sent under
        those names is put back where it belongs.
        """
        in_query = {place[1:]: ours for ours, place in wanted.send if place.startswith("?")}
        in_body = {
            place.removeprefix("/").replace("~1", "/").replace("~0", "~"): ours
            for ours, place in wanted.send
            if not place.startswith("?") and "/" not in place[1:]
        }
        given = node["parameters"] if isinstance(node.get("parameters"), list) else []
        for number, each in enumerate(given):
            described = _resolved(self._document, each)
            if described.get("in") == "query" and described.get("name") in in_query:
                given[number] = {**described, "name": in_query[described["name"]]}
        body = dict(_resolved(self._document, node.get("requestBody")))
        content = body.get("content")
        if not in_body or not isinstance(content, Mapping):
            return
        body["content"] = {
            kind: {
                **{name: each for name, each in media.items() if not name.startswith("example")},
                "schema": self._schema(media.get("schema"), in_body),
            }
            if isinstance(media, Mapping)
            else media
            for kind, media in content.items()
        }
        node["requestBody"] = body

    def _schema(self, schema: Json, names: Mapping[str, str]) -> Json:
        described = _resolved(self._document, schema)
        members = described.get("properties")
        if not isinstance(members, Mapping) or not names.keys() & members.keys():
            return schema
        if set(names.values()) & set(members) - set(names):
            return schema  # two members of one name are none
        changed = {**described, "properties": {names.get(n, n): m for n, m in members.items()}}
        if isinstance(required := described.get("required"), list):
            changed["required"] = [names.get(name, name) for name in required]
        return {name: each for name, each in changed.items() if not name.startswith("example")}

    def _name_parameters(self, template: str, node: dict[str, Json]) -> None:
        names, given = self._parameters.get(template, {}), node.get("parameters")
        if not isinstance(given, list):
            return
        for number, each in enumerate(given):
            described = _resolved(self._document, each)
            name = str(described.get("name"))
            if described.get("in") == "path" and names.get(name, name) != name:
                given[number] = {**described, "name": names[name]}
            elif described.get("in") == "header" and name.lower() in self._headers:
                given[number] = {**described, "name": self._headers[name.lower()]}


def prefixes_of(document: Mapping[str, Json]) -> tuple[str, ...]:
    """What the servers of a document put before its paths; nothing is the first."""
    prefixes = [""]
    servers = document.get("servers")
    for server in servers if isinstance(servers, list) else ():
        url = server.get("url") if isinstance(server, Mapping) else None
        path = urlsplit(url).path.rstrip("/") if isinstance(url, str) else ""
        if path and "{" not in path and path not in prefixes:
            prefixes.append(path)
    return tuple(prefixes)


def _places(document: Mapping[str, Json]) -> Iterator[_Place]:
    prefixes = prefixes_of(document)
    for template, item in (document.get("paths") or {}).items():
        for method in METHODS if isinstance(item, Mapping) else ():
            if isinstance(item.get(method), Mapping):
                for prefix in prefixes:
                    yield _Place(
                        template=template, method=method, prefix=prefix, described=item[method]
                    )


def _found(places: list[_Place], wanted: tuple[_Wanted, ...]) -> list[tuple[_Wanted, _Place]]:
    """Each operation with its place: where the target file says, else by its operationId, else
    where the contract has it."""
    by_way: dict[tuple[str, str], _Place] = {}
    by_id: dict[str, _Place] = {}
    for one in places:
        by_way.setdefault((one.method, _nameless(one.path)), one)
        by_id.setdefault(str(one.described.get("operationId")), one)
    found: list[tuple[_Wanted, _Place]] = []
    taken: set[tuple[str, str]] = set()
    # What the target file places goes first: no name takes its operation away.
    for each in sorted(wanted, key=lambda one: not one.is_placed):
        at = by_way.get((each.method, _nameless(each.template)))
        named = by_id.get(each.name)
        ways = (at, named) if each.is_placed else (named, at)
        for one in filter(None, ways):
            if (one.template, one.method) not in taken:
                found.append((each, one))
                taken.add((one.template, one.method))
                break
    return found


def _has_as_many(place: _Place, wanted: _Wanted) -> bool:
    return len(_PARAMETER.findall(place.template)) == len(_PARAMETER.findall(wanted.template))


def _renamed(template: str, wanted: str) -> dict[str, str]:
    """By the document's name of a path parameter: the contract's."""
    return dict(zip(_PARAMETER.findall(template), _PARAMETER.findall(wanted), strict=True))


def _prefixes_in(template: str) -> Iterator[tuple[str, str]]:
    """Each path parameter with all that is before it."""
    for found in _PARAMETER.finditer(template):
        yield _nameless(template[: found.end()]), found[1]


def _nameless(template: str) -> str:
    return _PARAMETER.sub("{}", template.partition("?")[0].rstrip("/") or "/")


def _as_demanded(
    contract: Json, ours: _Place | None, node: dict[str, Json], wanted: _Wanted
) -> None:
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
        ours = _resolved(contract, each)
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
            name: _without_refs(contract, one) for name, one in _resolved(contract, node).items()
        }
    return [_without_refs(contract, one) for one in node] if isinstance(node, list) else node


def _links_in(contract: Json, described: Mapping[str, Json]) -> dict[str, Json]:
    """The links of the first success that the contract describes."""
    for status, response in (described.get("responses") or {}).items():
        if str(status)[:1] == "2":
            links = _resolved(contract, response).get("links") or {}
            return {name: dict(_resolved(contract, each)) for name, each in links.items()}
    return {}


def _key_of(reference: Json) -> tuple[str, str] | None:
    if not isinstance(reference, str) or not reference.startswith("#/paths/"):
        return None
    template, _, method = reference.removeprefix("#/paths/").rpartition("/")
    return template.replace("~1", "/").replace("~0", "~"), method


def _link_parameter(name: str, names: Mapping[str, str]) -> str:
    place, dot, bare = name.rpartition(".")
    return f"{place}{dot}{names.get(bare, bare)}" if place in ("", "path") else name


def _resolved(document: Json, node: Json) -> Mapping[str, Json]:
    for _ in range(16):
        if not isinstance(node, Mapping):
            return {}
        if "$ref" not in node:
            return node
        found: Json = document
        for step in str(node["$ref"]).removeprefix("#/").split("/"):
            step = step.replace("~1", "/").replace("~0", "~")
            found = found.get(step) if isinstance(found, Mapping) else None
        node = found
    return {}
