"""Compare a served OpenAPI document with the contract's, and validate it against OpenAPI 3.1.

What the contract says must be there: its operations by method and path, the token, the parameters
by name, the statuses of success, and the members of bodies (`schema_comparison`). How a document is
written is its own business: references, names of components, of path parameters and of operations.
It may have more where that breaks no client, and need not repeat what holds for every operation:
error answers, headers of answers, links, optional headers.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.conformance.fuzzing.dialect import in_dialect
from contracts.conformance.fuzzing.document import ApiOperation, Document
from contracts.conformance.fuzzing.rules.media_types import covering
from contracts.conformance.fuzzing.rules.validity import OPAQUE
from contracts.conformance.schema_comparison import Direction, SchemaComparison
from contracts.shared.tenants.document import load_document
from harness.errors import Inconclusive
from harness.target import Target
from harness.target.document.places import prefixes_of
from harness.untrusted.json_pointers import BrokenReference, pointer

_PARAMETER = re.compile(r"\{[^}/]*\}")
_JSON = re.compile(r"application/([\w.-]+\+)?json")

Place = tuple[str, ...]


def document_errors(served: Mapping[str, Any]) -> list[str]:
    """Errors of a document against the schema of OpenAPI 3.1, and in its references and links."""
    if not str(served.get("openapi", "")).startswith("3.1."):
        return [f"/openapi is {served.get('openapi')!r}, not 3.1"]
    errors = [
        f"{_pointer(tuple(map(str, error.instance_path)))}: {error.message:.200}"
        for error in _official_schema().iter_errors(served)
    ]
    try:
        return errors or [*_broken_references(served), *_wrong_operations(served)]
    except BrokenReference as error:
        return [f"/paths: {error}"]


def wanted_document(target: Target) -> dict[str, Any]:
    """The document that the target names, with its methods and paths.

    A backend need not speak of what is declared absent, and may.
    """
    return in_dialect(load_document(target.contract), target)


@dataclass(frozen=True, kw_only=True)
class DocumentDifference:
    """One place in which the served document says otherwise."""

    operation_id: str
    """The contract's operation; empty where the document cannot be read at all."""
    place: Place
    """Where it is in the served document."""
    what: str

    def __str__(self) -> str:
        return f"{_pointer(self.place)}: {self.what}"

    @property
    def about(self) -> str:
        """The place within the operation, without names of its components."""
        return " ".join(self.place[2:])


def document_differences(
    wanted: Mapping[str, Any], served: Mapping[str, Any], *, is_translated: bool = False
) -> list[DocumentDifference]:
    """Where the served document says otherwise, each with a JSON Pointer into it.

    Of a backend with words of its own only methods, paths and tokens are compared.
    """
    try:
        ours, theirs = Document(wanted), Document(served)
        return list(_Comparison(ours, theirs, is_translated=is_translated).differences())
    except BrokenReference as error:
        return [DocumentDifference(operation_id="", place=("paths",), what=str(error))]


class _Comparison:
    """Two documents side by side."""

    def __init__(self, ours: Document, theirs: Document, *, is_translated: bool) -> None:
        self._ours, self._theirs = ours, theirs
        self._is_translated = is_translated
        self._by_route = {
            (each.method, _nameless(prefix + each.template)): each
            for prefix in reversed(prefixes_of(theirs.raw))
            for each in theirs.operations.values()
        }

    def differences(self) -> Iterator[DocumentDifference]:
        """Where the other document differs, and how."""
        for one in self._ours.operations.values():
            for place, what in self._of_operation(one):
                yield DocumentDifference(operation_id=one.id, place=place, what=what)

    def _of_operation(self, one: ApiOperation) -> Iterator[tuple[Place, str]]:
        other = self._by_route.get((one.method, _nameless(one.template)))
        if other is None:
            yield self._absent(one)
            return
        place = ("paths", other.template, other.method.lower())
        if one.secured != other.secured:
            yield (*place, "security"), f"{_secured(other)}, not {_secured(one)}"
        if not self._is_translated:
            yield from self._parameters(one, other, (*place, "parameters"))
            yield from self._body(one, other, (*place, "requestBody"))
            yield from self._successes(one, other, (*place, "responses"))

    def _absent(self, one: ApiOperation) -> tuple[Place, str]:
        route = f"{one.method} {one.template}"
        named = self._theirs.operations.get(one.id)
        if named is None:
            return ("paths",), f"no operation {one.id} ({route})"
        place = ("paths", named.template, named.method.lower())
        return place, f"{one.id} is {named.method} {named.template}, not {route}"

    def _parameters(
        self, one: ApiOperation, other: ApiOperation, place: Place
    ) -> Iterator[tuple[Place, str]]:
        wanted, served = _sent_beside(one), _sent_beside(other)
        for key, parameter in wanted.items():
            where, name = key
            is_required = bool(parameter.get("required"))
            if key not in served:
                # A header that is optional everywhere is a convention, not the operation's own.
                if is_required or where != "header":
                    yield place, f"no {where} parameter {name}"
                continue
            if is_required != bool(served[key].get("required")):
                yield (*place, name), f"{'is' if not is_required else 'is not'} required"
            if name not in OPAQUE:
                schemas = parameter.get("schema"), served[key].get("schema")
                yield from self._schemas("request", *schemas, (*place, name, "schema"))
                yield from self._bounds(*schemas, (*place, name, "schema"))
        for where, name in served.keys() - wanted.keys():
            if served[where, name].get("required"):
                yield place, f"the contract has no required {where} parameter {name}"

    def _bounds(self, one: Any, other: Any, place: Place) -> Iterator[tuple[Place, str]]:  # noqa: ANN401
        ours, theirs = self._ours.resolve(one) or {}, self._theirs.resolve(other) or {}
        for bound in ("minimum", "maximum", "default"):
            if bound in ours and bound in theirs and ours[bound] != theirs[bound]:
                yield (*place, bound), f"is {theirs[bound]!r:.40}, not {ours[bound]}"

    def _body(
        self, one: ApiOperation, other: ApiOperation, place: Place
    ) -> Iterator[tuple[Place, str]]:
        wanted, served = (one.body or {}).get("content"), (other.body or {}).get("content")
        if wanted:
            yield from self._content(wanted, served or {}, (*place, "content"), is_request=True)
        elif other.body and other.body.get("required"):
            yield place, "is required, and the contract has no body here"

    def _successes(
        self, one: ApiOperation, other: ApiOperation, place: Place
    ) -> Iterator[tuple[Place, str]]:
        for status in map(str, one.successes):
            there = other.responses.get(status, other.responses.get("2XX"))
            if there is None:
                yield (*place, status), "is missing"
                continue
            content = one.responses[status].get("content") or {}
            here = (*place, status, "content")
            yield from self._content(content, there.get("content") or {}, here, is_request=False)
        for status in sorted(other.responses.keys() - one.responses.keys()):
            if status.isdigit() and status.startswith(("2", "3")):
                yield (*place, status), "is not in the contract"

    def _content(
        self,
        wanted: Mapping[str, Any],
        served: Mapping[str, Any],
        place: Place,
        *,
        is_request: bool,
    ) -> Iterator[tuple[Place, str]]:
        if not any("schema" in media for media in wanted.values()):  # a file, of any type
            if served and all(_JSON.fullmatch(each) for each in served):
                yield place, "is JSON, not the file itself"
            return
        for media_type, media in wanted.items():
            there = covering(served, media_type)
            if there is None:
                yield (*place, media_type), "is missing"
                continue
            is_form = media_type.startswith("multipart/")
            direction: Direction = "form" if is_form else "request" if is_request else "answer"
            here = (*place, media_type, "schema")
            yield from self._schemas(direction, media.get("schema"), there.get("schema"), here)

    def _schemas(
        self,
        direction: Direction,
        one: Any,  # noqa: ANN401 - JSON
        other: Any,  # noqa: ANN401
        place: Place,
    ) -> Iterator[tuple[Place, str]]:
        comparison = SchemaComparison(ours=self._ours, theirs=self._theirs, direction=direction)
        yield from comparison.differences(one, other, place)


def _nameless(template: str) -> str:
    """A path without the names of its parameters, which no request shows."""
    return _PARAMETER.sub("{}", template)


def _sent_beside(operation: ApiOperation) -> dict[tuple[str, str], Mapping[str, Any]]:
    """The parameters in query and headers; names of headers have no case."""
    return {
        (each["in"], each["name"].title() if each["in"] == "header" else each["name"]): each
        for each in operation.parameters
        if each["in"] in ("query", "header")
    }


def _official_schema() -> Any:  # noqa: ANN401 - a compiled schema
    try:
        # The schema that the OpenAPI Initiative publishes; schemathesis contains it.
        from schemathesis.specs.openapi.definitions import OPENAPI_31  # noqa: PLC0415
    except ImportError as error:
        raise Inconclusive(f"cannot load the JSON Schema of OpenAPI 3.1: {error}") from error
    import jsonschema_rs  # noqa: PLC0415

    return jsonschema_rs.Draft202012Validator(OPENAPI_31)


def _broken_references(served: Mapping[str, Any]) -> Iterator[str]:
    document = Document(served)
    pending: list[tuple[Place, Any]] = [((), served)]
    while pending:
        place, node = pending.pop()
        if isinstance(node, Mapping):
            reference = node.get("$ref")
            if isinstance(reference, str) and reference.startswith("#"):
                try:
                    document.resolve({"$ref": reference})
                except BrokenReference as error:
                    yield f"{_pointer(place)}: {error}"
            pending += [((*place, str(key)), value) for key, value in node.items()]
        elif isinstance(node, list):
            pending += [((*place, str(n)), value) for n, value in enumerate(node)]


def _wrong_operations(served: Mapping[str, Any]) -> Iterator[str]:
    document = Document(served)
    names = [
        node["operationId"]
        for item in served["paths"].values()
        for node in item.values()
        if isinstance(node, Mapping) and "operationId" in node
    ]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"/paths: operationId {name} occurs more than once"
    for operation in document.operations.values():
        place = _pointer(("paths", operation.template, operation.method.lower()))
        declared = operation.parameters_in("path").keys()
        used = operation.pattern.groupindex.keys()
        if declared != used:
            yield f"{place}: path parameters {sorted(used)}, declared {sorted(declared)}"
        for link in document.links_of(operation):
            target = document.operations.get(link.target)
            if target is None:
                yield f"{place}: link {link.name} leads to {link.target}, which does not exist"
                continue
            known = {each["name"] for each in target.parameters}
            if unknown := sorted({name.rpartition(".")[2] for name in link.parameters} - known):
                what = ", ".join(unknown)
                yield f"{place}: link {link.name} passes {what}, unknown to {link.target}"


def _secured(operation: ApiOperation) -> str:
    return "a token is required" if operation.secured else "no token is required"


def _pointer(place: Place) -> str:
    return pointer(place) or "/"
