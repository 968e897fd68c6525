"""The operations, links and compiled schemas of an OpenAPI document."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from contracts.conformance.fuzzing.dialect import in_dialect
from contracts.conformance.fuzzing.path_organization import with_open_organization
from contracts.conformance.fuzzing.schema_validators import SchemaValidators
from contracts.shared.tenants.document import load_document
from harness.target import Target
from harness.target.document.described_api import is_shipped
from harness.target.document.openapi_objects import METHODS
from harness.untrusted.json_pointers import follow

Json = Any


@dataclass(frozen=True, kw_only=True)
class Link:
    """A link from an answer of one operation to a request of another."""

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
        """The path parameters that hold ids."""
        return tuple(
            each["name"]
            for each in self.parameters
            if each["in"] == "path" and each["name"].endswith("_id")
        )

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches a path of this operation; its groups are the quoted parameters."""
        pieces = re.split(r"\{([^}/]+)\}", self.template)
        return re.compile(
            "".join(
                f"(?P<{piece}>[^/]*)" if number % 2 else re.escape(piece)
                for number, piece in enumerate(pieces)
            )
        )

    def parse_target(self, target: str) -> tuple[dict[str, str], str] | None:
        """The quoted parameters in a request target, and its query; None if it does not match.

        A dialect may have path parameters of the contract in the query of its template.
        """
        found = self._target.fullmatch(target)
        if found is None:
            return None
        values = found.groupdict()
        return values, values.pop("_rest") or ""

    def build_target(self, values: Mapping[str, str], query: str) -> str:
        """A request target with these quoted parameters and this query."""
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


class Document:
    """A parsed OpenAPI document."""

    def __init__(
        self, raw: Mapping[str, Any], *, is_translated: bool = False, is_own: bool = False
    ) -> None:
        """`is_own`: it describes answers as the backend sends them, in words of its own."""
        self.raw, self.is_own = raw, is_own
        self.operations = {operation.id: operation for operation in self._read_operations()}
        self.validators = SchemaValidators(
            raw.get("components") or {}, ignore_lengths=is_translated
        )

    @classmethod
    def of(cls, target: Target) -> "Document":
        """The document that the target names, with the target's paths and methods.

        The limits on lengths of texts do not hold for a backend whose values are translated.
        """
        document = with_open_organization(in_dialect(load_document(target.contract), target))
        is_own = not is_shipped(target.contract)
        return cls(document, is_translated=target.contract.translates, is_own=is_own)

    def resolve(self, node: Json) -> Json:
        """Follow a `$ref`; a node without one is returned as it is. Raises `BrokenReference`."""
        return follow(self.raw, node)

    def links_of(self, operation: ApiOperation) -> Iterator[Link]:
        """The links of an operation's answers."""
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
