"""Request shapes: the ways to call an operation, from which requests are made with given ids."""

import itertools
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from json import dumps
from typing import Any

from contracts.shared.resources.digests import jcs_hash
from contracts.shared.tenants.operations import IdSlot, Operation
from contracts.shared.tenants.schemas import Unbuildable, resolved, smallest
from harness.client import Answer, Client, Record, Route, Sample
from harness.client.answers.record import NO_DIALECT
from harness.client.caller import DEADLINE_S
from harness.client.multipart import encode_form
from harness.errors import Inconclusive

MULTIPART = "multipart/form-data"


@dataclass(frozen=True, kw_only=True)
class PreparedRequest:
    """A request without its sender."""

    route: Route
    path: str
    query: Mapping[str, Any]
    headers: Mapping[str, str]
    content: bytes | None
    implies: frozenset[bytes] = frozenset()
    """Texts that follow from it, such as the hash of a manifest in it."""

    async def send(
        self, client: Client, instance: int, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send it to one instance, with the client's token and further headers."""
        sent = {**await client.authorization(), **self.headers, **(headers or {})}
        return await client.transport.send(
            self.route,
            self.path,
            instance=instance,
            deadline_s=DEADLINE_S,
            headers=sent,
            query=self.query,
            body=self.content,
        )

    def contains(self, marker: bytes) -> bool:
        """Whether the text is in the request itself, or follows from it."""
        text = f"{self.path} {self.query} {dict(self.headers)}".encode()
        return marker in text or marker in (self.content or b"") or marker in self.implies


@dataclass(frozen=True, kw_only=True)
class RequestShape:
    """One way to call an operation: which optional ids are sent, and which enum values."""

    operation: Operation
    slots: tuple[IdSlot, ...]
    choices: Mapping[str, str]
    """The path parameters that are not ids."""
    headers: Mapping[str, str]
    body: Mapping[str, Any] | None
    """Members of the JSON body or text fields of the form; None for no body."""
    files: tuple[str, ...] = ()
    query: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """The name in messages."""
        beyond_path = [f"with {slot.name}" for slot in self.slots if slot.place != "path"]
        return " ".join([self.operation.id, *self.choices.values(), *beyond_path])

    def request(
        self,
        ids: Mapping[str, Any],
        sample: Sample,
        *,
        more: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> PreparedRequest:
        """Fill in ids by slot name; `more` are further members of the body."""
        body = None if self.body is None else {**deepcopy(dict(self.body)), **(more or {})}
        asked: dict[str, Any] = {**self.query, **(query or {})}
        path: dict[str, object] = dict(self.choices)
        for slot in self.slots:
            if slot.place == "path":
                path[slot.name] = ids[slot.name]
            elif slot.place == "query":
                asked[slot.name] = ids[slot.name]
            elif body is not None:
                _put(body, slot.at, ids[slot.name])
        headers, content = dict(self.headers), None
        if "idempotency-key" in headers:
            headers["idempotency-key"] = str(uuid.uuid4())
        if body is not None and self.operation.body_type == MULTIPART:
            fields = {name: str(value) for name, value in body.items()}
            content, headers["content-type"] = encode_form(
                fields, dict.fromkeys(self.files, sample)
            )
        elif body is not None:
            content = dumps(body, separators=(",", ":")).encode()
            headers["content-type"] = self.operation.body_type or "application/json"
        route = self.operation.route
        manifests = [ids[slot.name] for slot in self.slots if slot.kind == "manifest"]
        return PreparedRequest(
            route=route,
            path=route.path(path),
            query=asked,
            headers=headers,
            content=content,
            implies=frozenset(_digest_as_sent(manifest).encode() for manifest in manifests),
        )


def _digest_as_sent(manifest: Any) -> str:  # noqa: ANN401 - JSON of any shape
    dialect = manifest.dialect if isinstance(manifest, Record) else NO_DIALECT
    return jcs_hash(dialect.backend_manifest(manifest))


def shapes_of(operation: Operation) -> tuple[RequestShape, ...]:
    """Every shape of an operation. Raises `Unbuildable` if the document says too little."""
    parameters = {one["name"] for one in operation.parameters if one["in"] == "path"}
    if unknown := set(operation.route.parameters) - parameters:
        raise Unbuildable(f"the document does not describe {', '.join(sorted(unknown))}")
    fixed = [slot for slot in operation.slots if slot.place == "path"]
    asked = [slot for slot in operation.slots if slot.place == "query"]
    needed = [slot for slot in asked if slot.required]
    optional = [slot for slot in asked if not slot.required]
    bodies = list(_bodies(operation))
    return tuple(
        RequestShape(
            operation=operation,
            slots=(*fixed, *needed, *queried, *in_body),
            choices=choices,
            headers=_headers(operation),
            body=body,
            files=files,
            query=_required_query(operation),
        )
        for choices in _choices(operation)
        for queried in ([[slot] for slot in optional] or [[]])
        for body, in_body, files in bodies
    )


def all_shapes(operations: Iterable[Operation]) -> tuple[list[RequestShape], list[str]]:
    """Every shape, and the operations for which none can be made, with the reason."""
    shapes: list[RequestShape] = []
    unbuildable = []
    for operation in operations:
        try:
            shapes += shapes_of(operation)
        except Unbuildable as error:
            unbuildable.append(f"{operation.id} ({error})")
    return shapes, unbuildable


def shapes_with_ids(operations: Sequence[Operation]) -> tuple[list[RequestShape], list[str]]:
    """Every shape with an id, and the operations for which none can be made."""
    shapes, unbuildable = all_shapes(one for one in operations if not one.unbuildable)
    unbuildable += [f"{one.id} ({one.unbuildable})" for one in operations if one.unbuildable]
    return [shape for shape in shapes if shape.slots], unbuildable


def shapes_by_protection(
    operations: Sequence[Operation],
) -> tuple[list[RequestShape], list[RequestShape], list[str]]:
    """The shapes that require a token, those that do not, and the operations without shapes."""
    shapes, unbuildable = all_shapes(operations)
    protected = [shape for shape in shapes if shape.operation.route.secured]
    public = [shape for shape in shapes if not shape.operation.route.secured]
    return protected, public, unbuildable


def expect_buildable(unbuildable: Sequence[str]) -> None:
    """Raise `Inconclusive` if there are operations for which no request can be made."""
    if unbuildable:
        raise Inconclusive(
            f"the OpenAPI document does not say how to call {'; '.join(unbuildable)}: not checked"
        )


def _choices(operation: Operation) -> Iterator[dict[str, str]]:
    """Every value of path parameters with an enum, such as the type of an export."""
    listed: dict[str, list[str]] = {}
    for parameter in operation.parameters:
        schema = resolved(operation.document, parameter.get("schema"))
        if parameter["in"] == "path" and ("enum" in schema or "const" in schema):
            values = schema.get("enum", [schema.get("const")])
            listed[parameter["name"]] = [str(value) for value in values]
    for chosen in itertools.product(*listed.values()):
        yield dict(zip(listed, chosen, strict=True))


def _headers(operation: Operation) -> dict[str, str]:
    """The required headers; an idempotency key is filled in for each request."""
    headers = {}
    for parameter in operation.parameters:
        if parameter["in"] == "header" and parameter.get("required"):
            name = parameter["name"].lower()
            is_key = name == "idempotency-key"
            schema = parameter.get("schema")
            headers[name] = "" if is_key else str(smallest(operation.document, schema))
    return headers


def _required_query(operation: Operation) -> dict[str, str]:
    ids = {slot.name for slot in operation.slots if slot.place == "query"}
    return {
        one["name"]: str(smallest(operation.document, one.get("schema")))
        for one in operation.parameters
        if one["in"] == "query" and one.get("required") and one["name"] not in ids
    }


def _bodies(
    operation: Operation,
) -> Iterator[tuple[dict[str, Any] | None, list[IdSlot], tuple[str, ...]]]:
    """Each useful body, with its ids and the names of its files."""
    schema = operation.body_schema
    if operation.body_type is None:
        yield None, [], ()
        return
    if operation.body_type not in {MULTIPART, "application/json"}:
        raise Unbuildable(f"a body of the type {operation.body_type}")
    members = schema.get("properties") or {}
    files = tuple(
        name
        for name, member in members.items()
        if resolved(operation.document, member).get("format") == "binary"
    )
    slots = [slot for slot in operation.slots if slot.place == "body"]
    required = set(schema.get("required", ()))
    alternatives: list[Any] = schema.get("anyOf") or schema.get("oneOf") or [{}]
    alternatives_required = [
        required | set(resolved(operation.document, one).get("required", ()))
        for one in alternatives
    ]
    with_all_ids = required | {str(slot.at[0]) for slot in slots}
    if with_all_ids not in alternatives_required:
        alternatives_required.append(with_all_ids)
    for members_sent in alternatives_required:
        body = {
            name: smallest(operation.document, members[name])
            for name in members
            if name in members_sent and name not in files
        }
        yield body, [slot for slot in slots if slot.at[0] in body], files


def _put(body: Any, at: tuple[str | int, ...], value: object) -> None:  # noqa: ANN401 - JSON
    """Put a value at a path of steps, creating missing objects and lists."""
    for step, following in itertools.pairwise(at):
        if isinstance(body, dict) and step not in body:
            body[step] = [] if isinstance(following, int) else {}
        body = body[step]
    if isinstance(body, list):
        body[:] = [value]
    else:
        body[at[-1]] = value
