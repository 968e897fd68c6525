"""Compare a served OpenAPI document with the contract's, and validate it against OpenAPI 3.1.

References are followed in both documents, so components may be named or placed differently.
Descriptions and order are ignored. The served document may have more where that breaks no client:
operations, error answers, headers, links, optional parameters and properties.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from contracts.conformance.fuzzing.dialect import in_dialect
from contracts.conformance.fuzzing.document import (
    ApiOperation,
    BrokenReference,
    Document,
)
from contracts.shared.tenants.operations import load_document
from harness.errors import Inconclusive
from harness.target import Target

PROSE = frozenset(
    {
        *("description", "summary", "title", "tags", "example", "examples", "externalDocs"),
        *("$comment", "operationId", "deprecated", "servers", "security"),
    }
)
"""Keywords without effect on clients; security is compared by its effect."""

SETS = frozenset({"required", "enum", "type", "anyOf", "oneOf", "allOf"})
"""Lists whose order has no meaning."""

EXTENSIBLE = frozenset({"properties", "headers", "links", "content", "examples"})

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


def accepted_documents(target: Target) -> tuple[dict[str, Any], dict[str, Any]]:
    """The contract's document in the target's dialect, first without what is declared absent.

    A backend may serve either: documenting a field that is absent breaks no client.
    """
    document = load_document(Path(target.contract.openapi))
    contract = target.contract.model_copy(update={"absent": ()})
    complete = target.model_copy(update={"contract": contract})
    return in_dialect(document, target), in_dialect(document, complete)


def document_differences(wanted: Mapping[str, Any], served: Mapping[str, Any]) -> list[str]:
    """Where the served document differs, each with a JSON Pointer into it."""
    ours, theirs = Document(wanted), Document(served)
    found: list[str] = []
    for operation in ours.operations.values():
        other = theirs.operations.get(operation.id)
        if other is None:
            found.append(f"/paths: no operation {operation.id}")
            continue
        place = ("paths", other.template, other.method.lower())
        if (operation.method, operation.template) != (other.method, other.template):
            found.append(
                f"{_pointer(place)}: {operation.id} is {other.method} {other.template}, "
                f"not {operation.method} {operation.template}"
            )
            continue
        if operation.secured != other.secured:
            found.append(
                f"{_pointer((*place, 'security'))}: {_secured(other)}, not {_secured(operation)}"
            )
        found += _Comparison(ours, theirs).of_operations(operation, other, place)
    return found


class _Comparison:
    """Two documents side by side; each pair of references is compared once."""

    def __init__(
        self, ours: Document, theirs: Document, compared: Iterable[tuple[str, str]] = ()
    ) -> None:
        self._ours, self._theirs = ours, theirs
        self._compared = set(compared)

    def of_operations(self, one: ApiOperation, other: ApiOperation, place: Place) -> Iterator[str]:
        """Where the other operation differs."""
        yield from self._parameters(one, other, (*place, "parameters"))
        yield from self.nodes(one.body or {}, other.body or {}, (*place, "requestBody"))
        for status, response in one.responses.items():
            there = other.responses.get(status)
            here = (*place, "responses", status)
            if there is None:
                yield f"{_pointer(here)} is missing"
            else:
                yield from self.nodes(response, there, here)
        for status in other.responses.keys() - one.responses.keys():
            if not status.startswith(("4", "5")) and status != "default":
                yield f"{_pointer((*place, 'responses', status))} is not in the contract"

    def _are_equivalent(self, one: Any, other: Any, place: Place) -> bool:  # noqa: ANN401 - JSON
        """Compare with a copy: trying two nodes must not mark their references as compared."""
        copy = _Comparison(self._ours, self._theirs, self._compared)
        return next(copy.nodes(one, other, place), None) is None

    def _parameters(self, one: ApiOperation, other: ApiOperation, place: Place) -> Iterator[str]:
        wanted = {(each["in"], each["name"]): each for each in one.parameters}
        served = {(each["in"], each["name"]): each for each in other.parameters}
        for (where, name), parameter in wanted.items():
            if (where, name) not in served:
                yield f"{_pointer(place)}: no {where} parameter {name}"
            else:
                yield from self.nodes(parameter, served[where, name], (*place, name))
        for where, name in served.keys() - wanted.keys():
            if served[where, name].get("required"):
                yield f"{_pointer(place)}: the contract has no required {where} parameter {name}"

    def nodes(self, one: Any, other: Any, place: Place) -> Iterator[str]:  # noqa: ANN401 - JSON
        """Where the other node differs."""
        if self._is_compared(one, other):
            return
        one, other = self._ours.resolve(one), self._theirs.resolve(other)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from self._objects(one, other, place)
        elif isinstance(one, list) and isinstance(other, list):
            yield from self._lists(one, other, place)
        elif one != other or isinstance(one, bool) != isinstance(other, bool):
            yield f"{_pointer(place)} is {_shown(other)}, not {_shown(one)}"

    def _objects(
        self, one: Mapping[str, Any], other: Mapping[str, Any], place: Place
    ) -> Iterator[str]:
        names = place[-1] in EXTENSIBLE  # its keys are names, not keywords of OpenAPI
        for key, value in one.items():
            here = (*place, key)
            if not names and (key in PROSE or key.startswith("x-")):
                continue
            if key not in other:
                if value not in (False, [], {}, None):  # the default
                    yield f"{_pointer(here)} is missing"
            elif key in SETS and not names:
                yield from self._sets(value, other[key], here)
            else:
                yield from self.nodes(value, other[key], here)
        for key in other.keys() - one.keys():
            has_effect = other[key] not in (False, [], {}, None, True)
            if not names and key not in PROSE and not key.startswith("x-") and has_effect:
                yield f"{_pointer((*place, key))} is not in the contract"

    def _sets(self, one: Any, other: Any, place: Place) -> Iterator[str]:  # noqa: ANN401 - JSON
        ours = one if isinstance(one, list) else [one]
        theirs = other if isinstance(other, list) else [other]
        rest, missing = list(theirs), []
        for value in ours:
            equivalent = next(
                (each for each in rest if self._are_equivalent(value, each, place)), None
            )
            if equivalent is None and None not in rest:
                missing.append(value)
            else:
                rest.remove(equivalent)
        found = [f"lacks {_shown(missing)}"] if missing else []
        found += [f"has {_shown(rest)} in addition"] if rest else []
        if found:
            yield f"{_pointer(place)} {' and '.join(found)}"

    def _lists(self, one: list[Any], other: list[Any], place: Place) -> Iterator[str]:
        if len(one) != len(other):
            yield f"{_pointer(place)} has {len(other)} items, not {len(one)}"
            return
        for number, (ours, theirs) in enumerate(zip(one, other, strict=True)):
            yield from self.nodes(ours, theirs, (*place, str(number)))

    def _is_compared(self, one: Any, other: Any) -> bool:  # noqa: ANN401 - JSON
        if not (isinstance(one, Mapping) and isinstance(other, Mapping)):
            return False
        if "$ref" not in one or "$ref" not in other:
            return False
        pair = one["$ref"], other["$ref"]
        is_known = pair in self._compared
        self._compared.add(pair)
        return is_known


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
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in place) or "/"


def _shown(value: object) -> str:
    return f"{value!r:.120}"
