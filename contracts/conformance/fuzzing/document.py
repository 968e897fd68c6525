"""The OpenAPI document as the rules need it: operations, their schemas compiled, their links."""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import yaml

from harness.client.routes import METHODS, spelled_path
from harness.errors import Misconfigured
from harness.target import Target

Json = Any
Schema = Mapping[str, Any]

_UTC = "([Zz]|[+-]00:00)$"
"""RFC 3339 has several spellings of UTC; the document shows one, the contract asks for none."""

_NUL_FREE = re.compile(r"\\u0000|\x00")
_EXACT = 2**53 - 1


class Validator(Protocol):
    """A compiled schema."""

    def is_valid(self, instance: Json) -> bool:
        """Say whether the instance fits."""

    def iter_errors(self, instance: Json) -> Iterator[Any]:
        """Give what does not fit."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """From one answer of an operation to a request of another."""

    name: str
    status: int
    target: str
    parameters: Mapping[str, Json]
    body: Json = None


@dataclass(frozen=True, kw_only=True)
class ApiOperation:
    """One operation of the document, references resolved one level down."""

    id: str
    method: str
    template: str
    secured: bool
    parameters: tuple[Mapping[str, Any], ...] = field(repr=False)
    body: Mapping[str, Any] | None = field(repr=False)
    """The request body object, None where there is none."""
    responses: Mapping[str, Mapping[str, Any]] = field(repr=False)

    @cached_property
    def path_ids(self) -> tuple[str, ...]:
        """The parameters of the path that are ids of a tenant's things."""
        return tuple(
            each["name"]
            for each in self.parameters
            if each["in"] == "path" and each["name"].endswith("_id")
        )

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches a path of this operation; its groups are the parameters, still quoted."""
        pieces = re.split(r"\{([^}/]+)\}", self.template)
        return re.compile(
            "".join(
                f"(?P<{piece}>[^/]*)" if number % 2 else re.escape(piece)
                for number, piece in enumerate(pieces)
            )
        )

    def parse_target(self, target: str) -> tuple[dict[str, str], str] | None:
        """The parameters in a target, still quoted, and the query behind them; None for another's.

        A dialect may have parameters of the contract's path in the template's own query.
        """
        found = self._target.fullmatch(target)
        if found is None:
            return None
        values = found.groupdict()
        return values, values.pop("_rest") or ""

    def build_target(self, values: Mapping[str, str], query: str) -> str:
        """The target with these parameters, which are quoted, and this query behind them."""
        target = self.template
        for name, value in values.items():
            target = target.replace("{" + name + "}", value)
        return f"{target}{'&' if '?' in target else '?'}{query}" if query else target

    @cached_property
    def _target(self) -> re.Pattern[str]:
        own = self.pattern.pattern.replace("[^/]*", "[^/?&]*")
        return re.compile(f"{own}(?:[?&](?P<_rest>.*))?", re.DOTALL)

    @cached_property
    def successes(self) -> tuple[int, ...]:
        """The documented statuses of success."""
        return tuple(int(status) for status in self.responses if status.startswith("2"))

    def parameters_in(self, place: str) -> dict[str, Mapping[str, Any]]:
        """The parameters in `query`, `header` or `path`, by name."""
        return {each["name"]: each for each in self.parameters if each["in"] == place}


class BrokenReference(LookupError):
    """A `$ref` of a document that stands for nothing."""


class Document:
    """A parsed OpenAPI document. Compiled validators are kept."""

    def __init__(self, raw: Mapping[str, Any], *, in_other_words: bool = False) -> None:
        self.raw = raw
        self.in_other_words = in_other_words
        """Whether the document is the contract's and the backend's words are others."""
        self.operations = {operation.id: operation for operation in self._read_operations()}
        self._compiled: dict[str, Validator] = {}

    @classmethod
    def of(cls, target: Target) -> "Document":
        """The document that the target names, with its paths and methods as the target spells them.

        Raises `Misconfigured` when it cannot be read.
        """
        document = in_dialect(read_document(Path(target.contract.openapi)), target)
        return cls(document, in_other_words=target.contract.translates)

    def resolve(self, node: Json) -> Json:
        """Follow a `$ref`; what is no reference is given back.

        Raises `BrokenReference` for one that leads nowhere, or in a circle.
        """
        followed: set[str] = set()
        while isinstance(node, Mapping) and "$ref" in node:
            reference = str(node["$ref"])
            if reference in followed:
                raise BrokenReference(f"$ref to {reference}, which leads in a circle")
            followed.add(reference)
            found: Json = self.raw
            try:
                for part in reference.removeprefix("#/").split("/"):
                    found = found[part.replace("~1", "/").replace("~0", "~")]
            except (LookupError, TypeError):
                raise BrokenReference(f"$ref to {reference}, which is not there") from None
            rest = {name: value for name, value in node.items() if name != "$ref"}
            node = {**found, **rest} if rest else found
        return node

    def links_of(self, operation: ApiOperation) -> Iterator[Link]:
        """The links from an operation's answers."""
        for status, response in operation.responses.items():
            for name, link in (response.get("links") or {}).items():
                link = self.resolve(link)
                if status.isdigit() and "operationId" in link:
                    yield Link(
                        name=name,
                        status=int(status),
                        target=link["operationId"],
                        parameters=link.get("parameters") or {},
                        body=link.get("requestBody"),
                    )

    def answers(self, schema: Schema) -> Validator:
        """The validator of what comes back, strict but for spellings the contract leaves open."""
        return self._compile("answer", schema, self._answer_components)

    def requests(self, schema: Schema) -> Validator:
        """The validator of what is sent, to the letter of the document."""
        return self._compile("request", schema, self.raw.get("components") or {})

    def gross(self, schema: Schema) -> Validator:
        """The validator of what is sent, without the rules about NUL and the size of numbers.

        What breaks only those may be refused or taken, as long as nothing breaks.
        """
        return self._compile("gross", self._loosened(schema), self._gross_components)

    def _loosened(self, node: Json) -> Json:
        return without_lengths(loosened(node)) if self.in_other_words else loosened(node)

    @cached_property
    def _answer_components(self) -> Json:
        components = copy.deepcopy(dict(self.raw.get("components") or {}))
        schemas = components.get("schemas") or {}
        if "pattern" in (schemas.get("Time") or {}):
            schemas["Time"]["pattern"] = _UTC
        # What the contract does not speak of: the type of the form's version, the body of a probe.
        (schemas.get("LedgerEvent") or {}).get("properties", {}).pop("canonical_version", None)
        if "HealthAnswer" in schemas:
            schemas["HealthAnswer"] = {}
        # The contract names a few codes and leaves the others to the backend.
        (schemas.get("Problem") or {}).get("properties", {}).get("code", {}).pop("enum", None)
        return components

    @cached_property
    def _gross_components(self) -> Json:
        return self._loosened(self.raw.get("components") or {})

    def _compile(self, kind: str, schema: Schema, components: Json) -> Validator:
        import jsonschema_rs  # only the checks that validate load it  # noqa: PLC0415

        key = f"{kind} {json.dumps(schema, sort_keys=True)}"
        if key not in self._compiled:
            self._compiled[key] = jsonschema_rs.Draft202012Validator(
                {**schema, "components": components}, validate_formats=True
            )
        return self._compiled[key]

    def _read_operations(self) -> Iterator[ApiOperation]:
        secured = bool(self.raw.get("security"))
        for template, item in (self.raw.get("paths") or {}).items():
            shared = item.get("parameters") or []
            for method in METHODS:
                node = item.get(method)
                if not isinstance(node, Mapping) or "operationId" not in node:
                    continue
                body = self.resolve(node.get("requestBody"))
                yield ApiOperation(
                    id=node["operationId"],
                    method=method.upper(),
                    template=template,
                    secured=bool(node["security"]) if "security" in node else secured,
                    parameters=tuple(
                        self.resolve(each) for each in [*shared, *(node.get("parameters") or [])]
                    ),
                    body=body,
                    responses={
                        str(status): self.resolve(response)
                        for status, response in (node.get("responses") or {}).items()
                    },
                )


def read_document(path: Path) -> dict[str, Any]:
    """Read an OpenAPI document in YAML or JSON. Raises `Misconfigured`."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - safe
    except (OSError, yaml.YAMLError) as error:
        raise Misconfigured(f"cannot read the OpenAPI document {path}: {error}") from error
    if not isinstance(document, dict):
        raise Misconfigured(f"{path} is no OpenAPI document")
    return document


def in_dialect(document: Mapping[str, Any], target: Target) -> dict[str, Any]:
    """The document with every operation at the method and path that the target has it at."""
    paths: dict[str, dict[str, Any]] = {}
    for template, item in (document.get("paths") or {}).items():
        for method, node in item.items():
            spelled = method not in METHODS or not isinstance(node, Mapping)
            dialect = None if spelled else target.contract.operations.get(node.get("operationId"))
            if not spelled and node.get("operationId") in target.contract.absent_operations:
                continue
            at = spelled_path(template, dialect.path if dialect else None)
            by = dialect.method.lower() if dialect and dialect.method else method
            paths.setdefault(at, {})[by] = node
    return {**document, "paths": paths, "components": _without_absent(document, target)}


def _without_absent(document: Mapping[str, Any], target: Target) -> Any:  # noqa: ANN401 - JSON
    """The components, their schemas asking for no field that the target declares absent."""
    components = copy.deepcopy(dict(document.get("components") or {}))
    for resource, name in target.contract.absent_fields:
        schema = (components.get("schemas") or {}).get(resource.title().replace("_", ""), {})
        if name in schema.get("required", ()):
            schema["required"].remove(name)
    return components


def without_lengths(node: Json) -> Json:
    """A schema without its rules about the length of texts, which the contract leaves open."""
    if isinstance(node, list):
        return [without_lengths(each) for each in node]
    if not isinstance(node, Mapping):
        return node
    return {name: without_lengths(each) for name, each in node.items() if name != "maxLength"}


def loosened(node: Json) -> Json:
    """A schema without its rules about NUL characters and about numbers beyond 2^53."""
    if isinstance(node, list):
        return [loosened(each) for each in node]
    if not isinstance(node, Mapping):
        return node
    return {
        name: loosened(value)
        for name, value in node.items()
        if not (name == "pattern" and isinstance(value, str) and _NUL_FREE.search(value))
        and not (name in ("minimum", "maximum") and value in (-_EXACT, _EXACT))
    }
