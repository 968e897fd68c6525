"""What an OpenAPI document says that a target file can name: operations, fields, headers, codes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness.target.document.document_files import parse_document
from harness.target.document.openapi_objects import METHODS
from harness.untrusted.json_pointers import followed
from harness.untrusted.members import items, table
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
            followed(document, each)
            for each in (*items(item, "parameters"), *items(described, "parameters"))
        ]
        named = {str(each.get("name")): str(each.get("in")) for each in parameters}
        headers |= {each for each, place in named.items() if place == "header"}
        refusals = {
            int(status)
            for status in map(str, table(described, "responses"))
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
    problem = table(table(table(document, "components"), "schemas"), "Problem")
    code = table(table(problem, "properties"), "code")
    return ApiWords(
        operations=operations,
        fields=fields,
        headers=frozenset(headers),
        statuses=frozenset(statuses),
        codes=table(code, "x-codes"),
        required=required,
    )


def _in(named: Mapping[str, str], place: str) -> frozenset[str]:
    return frozenset(each for each, where in named.items() if where == place)


def _operations(document: Json) -> Iterator[tuple[Json, str, Json]]:
    for item in table(document, "paths").values():
        for method in METHODS:
            if isinstance(item, Mapping) and isinstance(item.get(method), Mapping):
                yield item, method, item[method]


def _names_of_headers(document: Json) -> Iterator[str]:
    components = table(document, "components")
    yield from map(str, table(components, "headers"))
    answers = [*table(components, "responses").values()]
    for _, _, described in _operations(document):
        answers += table(described, "responses").values()
    for answer in answers:
        yield from map(str, table(answer, "headers"))


def _members_of_body(document: Json, described: Json) -> Iterator[str]:
    for media in _content_of_body(document, described).values():
        yield from _fields(document, table(media, "schema"))


def _content_of_body(document: Json, described: Json) -> Mapping[str, Json]:
    return table(followed(document, described.get("requestBody")), "content")


def _returned(document: Json, operation_id: str, described: Json) -> Json:
    """The schema of what an operation returns: below `data` where there is an envelope."""
    responses = table(described, "responses")
    success: Json = next((each for status, each in responses.items() if str(status)[:1] == "2"), {})
    media: Json = next(iter(table(followed(document, success), "content").values()), {})
    schema = followed(document, table(media, "schema"))
    data = table(table(schema, "properties"), "data")
    thing = followed(document, data) if data else schema
    return _below(document, thing, ("items",)) if operation_id in LISTS else thing


def _below(document: Json, schema: Json, way: tuple[str, ...]) -> Json:
    for step in way:
        schema = followed(document, schema)
        inner = schema.get("items") if step == "items" else table(schema, "properties").get(step)
        schema = inner or {}
    return followed(document, schema)


def _fields(document: Json, schema: Json) -> Fields:
    schema = followed(document, schema)
    return {
        str(name): _words(followed(document, each))
        for name, each in table(schema, "properties").items()
    }


def _required(document: Json, schema: Json) -> frozenset[str]:
    return frozenset(map(str, items(followed(document, schema), "required")))


def _words(schema: Json) -> frozenset[str]:
    words = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    return frozenset(word for word in words if isinstance(word, str))
