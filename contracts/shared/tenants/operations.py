"""Every operation of the target's OpenAPI document, with the IDs that it takes.

Read from the document, so no new route is forgotten: an operation for which the harness cannot
build a request is reported (`Operation.unbuildable`), never skipped.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from contracts.shared.tenants.document import load_document
from contracts.shared.tenants.present_document import present_document
from contracts.shared.tenants.schemas import Unbuildable, resolved
from harness.client import Route
from harness.client.routes import routes_of, spelled_path
from harness.target import Target
from harness.target.document.openapi_objects import METHODS
from harness.vocabulary.paths import ORGANIZATION, ORGANIZATION_PARAMETER
from harness.vocabulary.resources import LISTS

KINDS = ("job", "evidence", "export", "event", "target", "manifest", "organization")
"""The kinds of IDs. `target` is the evidence or export of a ledger event. A manifest is not an ID,
but it names an export, its job, its organization and its files as an ID does."""

READ_ONLY_POSTS = frozenset({"verifyManifest"})
"""Operations that write nothing although their method is POST."""

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

Place = Literal["path", "query", "body"]


@dataclass(frozen=True, kw_only=True)
class IdSlot:
    """One place in a request that holds an ID."""

    name: str
    kind: str
    """One of `KINDS`, or `""` for a kind that the harness does not know."""
    place: Place
    at: tuple[str | int, ...]
    """The path to it within the body; elsewhere its name."""
    required: bool = False


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation of the document, in the target's dialect."""

    route: Route
    document: Mapping[str, Any]
    described: Mapping[str, Any]
    """The Operation Object, with the `$ref`s of its parameters resolved."""

    @property
    def id(self) -> str:
        """Its operationId, else its method and path."""
        return self.route.operation_id

    @property
    def writes(self) -> bool:
        """Whether it changes something of its organization."""
        return self.route.method not in _SAFE_METHODS and self.id not in READ_ONLY_POSTS

    @property
    def parameters(self) -> Sequence[Mapping[str, Any]]:
        """Parameter Objects."""
        parameters: Sequence[Mapping[str, Any]] = self.described["parameters"]
        return parameters

    @property
    def unbuildable(self) -> str:
        """Why no request can be built (IDs of unknown kinds); empty where one can be built."""
        unknown = [slot.name for slot in self.slots if not slot.kind]
        return f"unknown kind of ID: {', '.join(unknown)}" if unknown else ""

    @cached_property
    def slots(self) -> tuple[IdSlot, ...]:
        """Every ID that it takes, in path, query and body."""
        return (*self._parameter_slots(), *body_slots(self.document, self.body_schema))

    @property
    def takes_range(self) -> bool:
        """Whether it takes a Range header (RFC 9110, section 14)."""
        return any(
            one["in"] == "header" and one["name"].lower() == "range" for one in self.parameters
        )

    @property
    def body_type(self) -> str | None:
        """The media type of its request body, None where it takes none."""
        content = resolved(self.document, self.described.get("requestBody")).get("content") or {}
        return next(iter(content), None)

    @cached_property
    def body_schema(self) -> dict[str, Any]:
        """The schema of its request body, empty where it takes none."""
        body = resolved(self.document, self.described.get("requestBody"))
        media = (body.get("content") or {}).get(self.body_type) or {}
        return resolved(self.document, media.get("schema"))

    @property
    def lists(self) -> bool:
        """Whether it answers with a list: one of the contract's, or an array under `data`."""
        if self.id in LISTS:
            return True  # whatever a document of the backend's own calls the array
        for status, answer in (self.described.get("responses") or {}).items():
            if not str(status).startswith("2"):
                continue
            content = resolved(self.document, answer).get("content") or {}
            for media in content.values():
                schema = resolved(self.document, media.get("schema"))
                data = resolved(self.document, (schema.get("properties") or {}).get("data"))
                if data.get("type") == "array":
                    return True
        return False

    def _parameter_slots(self) -> Iterator[IdSlot]:
        for parameter in self.parameters:
            name, place = parameter["name"], parameter["in"]
            schema = resolved(self.document, parameter.get("schema"))
            in_path = place == "path" and "enum" not in schema and "const" not in schema
            if in_path or (place == "query" and is_id(name, schema)):
                yield IdSlot(
                    name=name,
                    kind=kind_of(name, self.route.template),
                    place=place,
                    at=(name,),
                    required=bool(parameter.get("required")),
                )


def operations_of(target: Target) -> tuple[Operation, ...]:
    """All operations of the target's document, in its order."""
    document = present_document(load_document(target.contract), target.contract)
    dialect, routes = target.contract.operations, routes_of(target)
    found = []
    for template, item in document.get("paths", {}).items():
        path_item = resolved(document, item)
        for method in METHODS:
            if method not in path_item:
                continue
            described = dict(path_item[method])
            described["parameters"] = _parameters(document, path_item, described)
            name = described.get("operationId", f"{method.upper()} {template}")
            spelled = dialect.get(name)
            route = Route(
                operation_id=name,
                method=(spelled and spelled.method) or method.upper(),
                template=spelled_path(template, spelled.path if spelled else None),
                secured=bool(described.get("security", document.get("security"))),
                may_be_file=name in routes and routes[name].may_be_file,
            )
            described["parameters"] += undescribed_organization(route.template, described)
            found.append(Operation(route=route, document=document, described=described))
    return tuple(found)


def undescribed_organization(template: str, described: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parameter of the organization where a path has it that is the target file's alone."""
    known = {each["name"] for each in described["parameters"]}
    if ORGANIZATION not in template or ORGANIZATION_PARAMETER in known:
        return []
    return [
        {
            "name": ORGANIZATION_PARAMETER,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "format": "uuid"},
        }
    ]


def kind_of(name: str, template: str) -> str:
    """The kind of an ID of this name; `""` where the harness does not know.

    `job_id`, `jobId` and the `{id}` of `/jobs/{id}` are all IDs of jobs.
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
    stem = words.removesuffix("_uuid").removesuffix("_id")
    if stem in {"id", "uuid"}:
        above = re.search(rf"([^/{{}}]+)/\{{{re.escape(name)}\}}", template)
        stem = above[1].lower().rstrip("s") if above else ""
    stem = stem.removeprefix("ledger_")
    return stem if stem in KINDS else ""


def is_id(name: str, schema: Mapping[str, Any]) -> bool:
    """Whether a query parameter or a member of a body holds an ID."""
    return schema.get("format") == "uuid" or bool(re.search(r"(_id|[a-z0-9]Id)$", name))


def body_slots(
    document: Mapping[str, Any], schema: Mapping[str, Any], above: tuple[str | int, ...] = ()
) -> Iterator[IdSlot]:
    """The IDs within a body, up to five levels deep."""
    if len(above) > 4:
        return
    for name, given in (schema.get("properties") or {}).items():
        member = resolved(document, given)
        items = resolved(document, member.get("items"))
        at = (*above, name)
        if name == "manifest" or is_id(name, member):
            yield IdSlot(name=name, kind=kind_of(name, ""), place="body", at=at)
        elif items and is_id(name.removesuffix("s"), items):
            kind = kind_of(name.removesuffix("s"), "")
            yield IdSlot(name=name, kind=kind, place="body", at=(*at, 0))
        else:
            yield from body_slots(document, member, at)


def _parameters(
    document: Mapping[str, Any], item: Mapping[str, Any], described: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """A path's parameters and the operation's own, which override them (OpenAPI 3.1, 4.8.9)."""
    merged: dict[tuple[str, str], dict[str, Any]] = {}
    for given in (*item.get("parameters", ()), *described.get("parameters", ())):
        parameter = resolved(document, given)
        if "name" not in parameter or "in" not in parameter:
            raise Unbuildable(f"a parameter without name or `in`: {described}")
        merged[parameter["in"], parameter["name"]] = parameter
    return list(merged.values())
