"""What an OpenAPI document says that a target file can name: operations, fields, headers, codes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness.target.document.document_files import parse_document
from harness.target.document.openapi_objects import METHODS
from harness.vocabulary.resources import LISTS, RETURNED_BY

Json = Any
Fields = Mapping[str, frozenset[str]]
"""The names of an object's fields, each with the words that it may hold; none: any."""

_PARTS_OF_MANIFEST = {"manifest_file": ("files", "items"), "manifest_head": ("ledger_head",)}


@dataclass(frozen=True, kw_only=True)
class DescribedOperation:
    """What can be sent to one operation."""

    method: str = "GET"
    in_path: frozenset[str] = frozenset()
    in_query: frozenset[str] = frozenset()
    in_headers: frozenset[str] = frozenset()
    in_body: frozenset[str] = frozenset()
    """The members of its body, or the parts of its form."""
    is_form: bool = False
    refusals: frozenset[int] = frozenset()
    """The statuses of its refusals and outages."""

    @property
    def sent(self) -> frozenset[str]:
        """The names of its parameters, of the members of its body, and of the parts of its form."""
        return self.in_path | self.in_query | self.in_body


@dataclass(frozen=True, kw_only=True)
class ApiWords:
    """The names that a document gives."""

    operations: Mapping[str, DescribedOperation]
    """By operationId."""
    fields: Mapping[str, Fields]
    """By resource."""
    headers: frozenset[str]
    statuses: frozenset[int]
    """Those of refusals."""
    codes: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    """By error code: `statuses`, `when`, and whether it is `demanded`; only in the contract's."""
    required: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By resource: the fields that every such object has."""


def contract_document() -> Path | None:
    """The contract's own document, in the package of the checks; None where that is not there."""
    spec = find_spec("contracts")
    folders = spec.submodule_search_locations if spec else None
    return next((Path(each) / "openapi.yaml" for each in folders or ()), None)


@lru_cache(maxsize=4)
def words_of(path: Path) -> ApiWords:
    """The names that a document gives. Raises `Misconfigured` as `parse_document` does."""
    return words_in(parse_document(path))


def words_in(document: Mapping[str, Json]) -> ApiWords:
    """The names that a parsed document gives."""
    operations: dict[str, DescribedOperation] = {}
    fields: dict[str, Fields] = {}
    required: dict[str, frozenset[str]] = {}
    headers, statuses = set(_names_of_headers(document)), set[int]()
    for item, method, described in _operations(document):
        name = str(described.get("operationId"))
        parameters = [
            _resolved(document, each)
            for each in (*_list(item, "parameters"), *_list(described, "parameters"))
        ]
        named = {str(each.get("name")): str(each.get("in")) for each in parameters}
        headers |= {each for each, place in named.items() if place == "header"}
        refusals = {
            int(status)
            for status in map(str, _table(described, "responses"))
            if status.isdigit() and status[0] in "345"
        }
        statuses |= refusals
        operations[name] = DescribedOperation(
            method=method.upper(),
            in_path=_in(named, "path"),
            in_query=_in(named, "query"),
            in_headers=_in(named, "header"),
            in_body=frozenset(_members_of_body(document, described)),
            refusals=frozenset(refusals),
            is_form=any("multipart" in each for each in _content_of_body(document, described)),
        )
        if resource := RETURNED_BY.get(name):
            schema = _returned(document, name, described)
            fields.setdefault(resource, _fields(document, schema))
            required.setdefault(resource, _required(document, schema))
            if resource == "manifest":
                for part, way in _PARTS_OF_MANIFEST.items():
                    within = _below(document, schema, way)
                    fields[part] = _fields(document, within)
                    required[part] = _required(document, within)
    if "ledger_event" in fields:
        fields["ledger_line"] = fields["ledger_event"]
        required["ledger_line"] = required["ledger_event"]
    problem = _table(_table(_table(document, "components"), "schemas"), "Problem")
    code = _table(_table(problem, "properties"), "code")
    return ApiWords(
        operations=operations,
        fields=fields,
        headers=frozenset(headers),
        statuses=frozenset(statuses),
        codes=_table(code, "x-codes"),
        required=required,
    )


def _in(named: Mapping[str, str], place: str) -> frozenset[str]:
    return frozenset(each for each, where in named.items() if where == place)


def _operations(document: Json) -> Iterator[tuple[Json, str, Json]]:
    for item in _table(document, "paths").values():
        for method in METHODS:
            if isinstance(item, Mapping) and isinstance(item.get(method), Mapping):
                yield item, method, item[method]


def _names_of_headers(document: Json) -> Iterator[str]:
    components = _table(document, "components")
    yield from map(str, _table(components, "headers"))
    answers = [*_table(components, "responses").values()]
    for _, _, described in _operations(document):
        answers += _table(described, "responses").values()
    for answer in answers:
        yield from map(str, _table(answer, "headers"))


def _members_of_body(document: Json, described: Json) -> Iterator[str]:
    for media in _content_of_body(document, described).values():
        yield from _fields(document, _table(media, "schema"))


def _content_of_body(document: Json, described: Json) -> Mapping[str, Json]:
    return _table(_resolved(document, described.get("requestBody")), "content")


def _returned(document: Json, operation_id: str, described: Json) -> Json:
    """The schema of what an operation returns: below `data` where there is an envelope."""
    responses = _table(described, "responses")
    success: Json = next((each for status, each in responses.items() if str(status)[:1] == "2"), {})
    media: Json = next(iter(_table(_resolved(document, success), "content").values()), {})
    schema = _resolved(document, _table(media, "schema"))
    data = _table(_table(schema, "properties"), "data")
    thing = _resolved(document, data) if data else schema
    return _below(document, thing, ("items",)) if operation_id in LISTS else thing


def _below(document: Json, schema: Json, way: tuple[str, ...]) -> Json:
    for step in way:
        schema = _resolved(document, schema)
        inner = schema.get("items") if step == "items" else _table(schema, "properties").get(step)
        schema = inner or {}
    return _resolved(document, schema)


def _fields(document: Json, schema: Json) -> Fields:
    schema = _resolved(document, schema)
    return {
        str(name): _words(_resolved(document, each))
        for name, each in _table(schema, "properties").items()
    }


def _required(document: Json, schema: Json) -> frozenset[str]:
    return frozenset(map(str, _list(_resolved(document, schema), "required")))


def _words(schema: Json) -> frozenset[str]:
    words = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    return frozenset(word for word in words if isinstance(word, str))


def _resolved(document: Json, node: Json) -> Json:
    """Follow `$ref`s within the document; what cannot be followed is empty."""
    for _ in range(16):
        if not isinstance(node, Mapping):
            return {}
        if "$ref" not in node:
            return node
        found = document
        for step in str(node["$ref"]).removeprefix("#/").split("/"):
            found = _table(found, step.replace("~1", "/").replace("~0", "~"))
        node = found
    return {}


def _table(node: Json, key: str) -> Mapping[str, Json]:
    found = node.get(key) if isinstance(node, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _list(node: Json, key: str) -> list[Json]:
    found = node.get(key) if isinstance(node, Mapping) else None
    return found if isinstance(found, list) else []
