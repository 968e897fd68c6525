"""Two OpenAPI documents compared by what they say, and one held to OpenAPI's own schema.

References are followed on both sides, so that it does not matter what is a component. Prose does
not count, nor does order. The served document may say more where more harms nobody: further
operations, error answers, headers, links, optional parameters and properties.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from contracts.conformance.fuzzing.document import (
    ApiOperation,
    BrokenReference,
    Document,
    in_dialect,
    read_document,
)
from harness.errors import Inconclusive
from harness.target import Target

PROSE = frozenset(
    {
        *("description", "summary", "title", "tags", "example", "examples", "externalDocs"),
        *("$comment", "operationId", "deprecated", "servers", "security"),
    }
)
"""What tells people something and generated clients nothing; security is compared by its effect."""

SETS = frozenset({"required", "enum", "type", "anyOf", "oneOf", "allOf"})
"""Lists whose order means nothing."""

MAY_SAY_MORE = frozenset({"properties", "headers", "links", "content", "examples"})

Place = tuple[str, ...]


def document_violations(served: Mapping[str, Any]) -> list[str]:
    """What is wrong with a document by the schema of OpenAPI 3.1, and with its links."""
    if not str(served.get("openapi", "")).startswith("3.1."):
        return [f"/openapi is {served.get('openapi')!r}, not 3.1"]
    violations = [
        f"{_pointer(tuple(map(str, error.instance_path)))}: {error.message:.200}"
        for error in _official_schema().iter_errors(served)
    ]
    try:
        return violations or [*_broken_references(served), *_wrong_operations(served)]
    except BrokenReference as error:  # among its operations, so that they cannot be told
        return [f"/paths: {error}"]


def accepted_documents(target: Target) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give the contract's document in the target's words, without what it declares absent and with.

    One that still speaks of what is absent promises more, and is no other.
    """
    document = read_document(Path(target.contract.openapi))
    contract = target.contract.model_copy(update={"absent": ()})
    fuller = target.model_copy(update={"contract": contract})
    return in_dialect(document, target), in_dialect(document, fuller)


def differences(wanted: Mapping[str, Any], served: Mapping[str, Any]) -> list[str]:
    """Where the served document says otherwise, each by a JSON Pointer into it."""
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
    """Two documents side by side; a pair of references is looked at once."""

    def __init__(self, ours: Document, theirs: Document) -> None:
        self._ours, self._theirs = ours, theirs
        self._seen: set[tuple[str, str]] = set()

    def of_operations(self, one: ApiOperation, other: ApiOperation, place: Place) -> Iterator[str]:
        """Where the other operation says otherwise."""
        yield from self._parameters(one, other, (*place, "parameters"))
        yield from self._nodes(one.body or {}, other.body or {}, (*place, "requestBody"))
        for status, response in one.responses.items():
            there = other.responses.get(status)
            here = (*place, "responses", status)
            if there is None:
                yield f"{_pointer(here)} is missing"
            else:
                yield from self._nodes(response, there, here)
        for status in other.responses.keys() - one.responses.keys():
            if not status.startswith(("4", "5")) and status != "default":
                yield f"{_pointer((*place, 'responses', status))} is not in the contract"

    def agree(self, one: Any, other: Any, place: Place) -> bool:  # noqa: ANN401 - JSON
        """Say whether two nodes say the same."""
        return not any(True for _ in self._nodes(one, other, place))

    def _parameters(self, one: ApiOperation, other: ApiOperation, place: Place) -> Iterator[str]:
        wanted = {(each["in"], each["name"]): each for each in one.parameters}
        served = {(each["in"], each["name"]): each for each in other.parameters}
        for (where, name), parameter in wanted.items():
            if (where, name) not in served:
                yield f"{_pointer(place)}: no {where} parameter {name}"
            else:
                yield from self._nodes(parameter, served[where, name], (*place, name))
        for where, name in served.keys() - wanted.keys():
            if served[where, name].get("required"):
                yield f"{_pointer(place)}: the contract has no required {where} parameter {name}"

    def _nodes(self, one: Any, other: Any, place: Place) -> Iterator[str]:  # noqa: ANN401 - JSON
        if self._been_here(one, other):
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
        names = place[-1] in MAY_SAY_MORE  # its keys are names, not keywords
        for key, value in one.items():
            here = (*place, key)
            if not names and (key in PROSE or key.startswith("x-")):
                continue
            if key not in other:
                if value not in (False, [], {}, None):  # which is what is meant when it is not said
                    yield f"{_pointer(here)} is missing"
            elif key in SETS and not names:
                yield from self._sets(value, other[key], here)
            else:
                yield from self._nodes(value, other[key], here)
        for key in other.keys() - one.keys():
            said = other[key] not in (False, [], {}, None, True)
            if not names and key not in PROSE and not key.startswith("x-") and said:
                yield f"{_pointer((*place, key))} is not in the contract"

    def _sets(self, one: Any, other: Any, place: Place) -> Iterator[str]:  # noqa: ANN401 - JSON
        ours = one if isinstance(one, list) else [one]
        theirs = other if isinstance(other, list) else [other]
        rest, missing = list(theirs), []
        for value in ours:
            fitting = next((each for each in rest if _fresh(self).agree(value, each, place)), None)
            if fitting is None and None not in rest:
                missing.append(value)
            else:
                rest.remove(fitting)
        told = [f"lacks {_shown(missing)}"] if missing else []
        told += [f"has {_shown(rest)} besides"] if rest else []
        if told:
            yield f"{_pointer(place)} {' and '.join(told)}"

    def _lists(self, one: list[Any], other: list[Any], place: Place) -> Iterator[str]:
        if len(one) != len(other):
            yield f"{_pointer(place)} has {len(other)} items, not {len(one)}"
            return
        for number, (ours, theirs) in enumerate(zip(one, other, strict=True)):
            yield from self._nodes(ours, theirs, (*place, str(number)))

    def _been_here(self, one: Any, other: Any) -> bool:  # noqa: ANN401 - JSON
        if not (isinstance(one, Mapping) and isinstance(other, Mapping)):
            return False
        if "$ref" not in one or "$ref" not in other:
            return False
        pair = one["$ref"], other["$ref"]
        known = pair in self._seen
        self._seen.add(pair)
        return known


def _fresh(comparison: _Comparison) -> _Comparison:
    """The same documents, with what was seen so far: a trial must not mark anything as seen."""
    trial = _Comparison(comparison._ours, comparison._theirs)  # noqa: SLF001 - our own class
    trial._seen = set(comparison._seen)  # noqa: SLF001
    return trial


def _official_schema() -> Any:  # noqa: ANN401 - a compiled schema
    try:
        # The schema that the OpenAPI initiative publishes, as schemathesis brings it along.
        from schemathesis.specs.openapi.definitions import OPENAPI_31  # noqa: PLC0415
    except ImportError as error:
        raise Inconclusive(f"no schema of OpenAPI 3.1 to hold the document to: {error}") from error
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
        yield f"/paths: operationId {name} is given more than once"
    for operation in document.operations.values():
        place = _pointer(("paths", operation.template, operation.method.lower()))
        declared = operation.parameters_in("path").keys()
        used = operation.pattern.groupindex.keys()
        if declared != used:
            yield f"{place}: parameters of the path are {sorted(used)}, declared {sorted(declared)}"
        for link in document.links_of(operation):
            target = document.operations.get(link.target)
            if target is None:
                yield f"{place}: link {link.name} leads to {link.target}, which is not there"
                continue
            known = {each["name"] for each in target.parameters}
            if unknown := sorted({name.rpartition(".")[2] for name in link.parameters} - known):
                what = f"link {link.name} gives {', '.join(unknown)}"
                yield f"{place}: {what}, unknown to {link.target}"


def _secured(operation: ApiOperation) -> str:
    return "it asks for a token" if operation.secured else "it asks for no token"


def _pointer(place: Place) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in place) or "/"


def _shown(value: object) -> str:
    return f"{value!r:.120}"
