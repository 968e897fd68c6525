"""Which method and path an operation has: read from the OpenAPI document that the target names."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from harness.errors import Absent, Misconfigured
from harness.target import Target
from harness.target.contract.dialect import Contract
from harness.target.document.api_document import contract_document
from harness.target.document.described_api import document_of, is_shipped
from harness.target.document.document_files import parse_document
from harness.target.document.openapi_objects import METHODS
from harness.vocabulary.paths import ORGANIZATION, ORGANIZATION_PARAMETER

_PARAMETER = re.compile(r"\{([^}/]+)\}")
_DOCUMENT = re.compile(r"text/|application/([\w.-]+\+)?json\b")


@dataclass(frozen=True, kw_only=True)
class Route:
    """One operation of the API."""

    operation_id: str
    method: str
    template: str
    """A path with `{parameter}`s."""
    secured: bool = True
    """Whether the document asks for a token here."""
    success: int = 200
    """The status of its usual success, the first that the document has."""
    may_be_file: bool = False
    """Whether a success may carry a file, which is longer than any document is read to be."""
    by_target: bool = False
    """Whether the target file words the request: constants fill in only what it leaves out."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the template's parameters, in order."""
        return tuple(_PARAMETER.findall(self.template))

    def path(self, values: Mapping[str, object]) -> str:
        """Fill the template in. Values are quoted: an id never becomes another path.

        The organization may be left open: sending the request fills it in.
        """
        if missing := set(self.parameters) - set(values) - {ORGANIZATION_PARAMETER}:
            raise Misconfigured(
                f"{self.operation_id}: {self.method} {self.template} needs {sorted(missing)}; "
                f"got only {sorted(values)}"
            )
        given = {name: quote(str(value), safe="") for name, value in values.items()}
        given.setdefault(ORGANIZATION_PARAMETER, ORGANIZATION)
        return _PARAMETER.sub(lambda found: given[found[1]], self.template)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        pieces = _PARAMETER.split(self.template.partition("?")[0])
        return re.compile(
            "".join("[^/]+" if n % 2 else re.escape(piece) for n, piece in enumerate(pieces))
        )

    def is_at(self, path: str) -> bool:
        """Whether a path without its query is one of this operation's."""
        return self._pattern.fullmatch(path) is not None


class AbsentOperation(Absent):
    """The target declares an operation absent: what needs it cannot be looked at."""


class Routes(dict[str, Route]):
    """All operations of an API by their operationId, in the document's order."""

    def __init__(self, routes: Mapping[str, Route], absent: frozenset[str] = frozenset()) -> None:
        super().__init__({name: each for name, each in routes.items() if name not in absent})
        self._absent = absent

    def __missing__(self, operation_id: str) -> Route:
        if operation_id in self._absent:
            raise AbsentOperation(operation_id)
        raise Misconfigured(
            f"the OpenAPI document has no operation {operation_id!r}; it has "
            f"{', '.join(self) or 'none'}. Add it there, or map it in the target "
            f"file: [contract.operations.{operation_id}]"
        )

    def asked(self, route: Route, path: str) -> Route:
        """The operation that a request is of: the route's own, else a reading one at its path."""
        if route.operation_id in self:
            return self[route.operation_id]
        way = path.partition("?")[0]
        found = (one for one in self.values() if one.method == route.method)
        return next((one for one in found if one.is_at(way)), route)

    def as_demanded(self, contract: "Routes", named: frozenset[str]) -> "Routes":
        """The same operations, with what the contract demands of its own: successes and tokens.

        Those that are `named` and not described here are as the contract describes them.
        """
        known = {
            name: replace(
                route,
                template=spelled_path(contract[name].template, route.template),
                success=contract[name].success,
                secured=contract[name].secured,
                may_be_file=route.may_be_file or contract[name].may_be_file,
            )
            if name in contract
            else route
            for name, route in self.items()
        }
        added = {n: contract[n] for n in contract if n in named and n not in known}
        return Routes({**known, **added})

    def overridden(
        self,
        overrides: Mapping[str, tuple[str | None, str | None]],
        absent: frozenset[str] = frozenset(),
    ) -> "Routes":
        """Apply a dialect: operationId → (method, path), None keeping the document's.

        To ask for one that is `absent` raises `AbsentOperation`.
        """
        routes = dict(self)
        for operation_id, (method, path) in overrides.items():
            known = routes.get(operation_id)
            if known is None:
                if method is None or path is None:
                    raise Misconfigured(
                        f"operations.{operation_id}: the OpenAPI document does not describe it, so "
                        "both method and path are needed"
                    )
                known = Route(operation_id=operation_id, method=method.upper(), template=path)
            routes[operation_id] = replace(
                known,
                method=(method or known.method).upper(),
                template=spelled_path(known.template, path),
            )
        return Routes(routes, absent)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Routes":
        """Read the operations of a parsed OpenAPI document."""
        routes = {}
        secured = bool(document.get("security"))
        for template, item in document.get("paths", {}).items():
            for method in METHODS:
                operation = item.get(method)
                if operation is None or "operationId" not in operation:
                    continue
                routes[operation["operationId"]] = Route(
                    operation_id=operation["operationId"],
                    method=method.upper(),
                    template=template,
                    success=_first_success(operation),
                    secured=bool(operation["security"]) if "security" in operation else secured,
                    may_be_file=_may_be_file(operation.get("responses") or {}),
                )
        return cls(routes)


def _may_be_file(responses: Mapping[Any, Any]) -> bool:
    """Whether a success is declared as something else than JSON or text."""
    return any(
        not _DOCUMENT.match(media_type)
        for status, response in responses.items()
        if str(status).startswith("2")
        for media_type in response.get("content") or {}
    )


def spelled_path(contract: str, path: str | None) -> str:
    """The backend's path for one of the contract, both templates; None keeps the contract's.

    A parameter that the backend's path has not is in its query until the dialect puts it where
    it belongs.
    """
    if path is None:
        return contract
    apart = [name for name in _PARAMETER.findall(contract) if f"{{{name}}}" not in path]
    return f"{path}?{'&'.join(f'{name}={{{name}}}' for name in apart)}" if apart else path


def _first_success(operation: Mapping[str, Any]) -> int:
    statuses = (str(status) for status in operation.get("responses") or {})
    return next((int(one) for one in statuses if one.isdigit() and one[0] == "2"), 200)


@lru_cache(maxsize=4)
def load_routes(path: Path) -> Routes:
    """Read the operations of an OpenAPI document in YAML or JSON.

    Raises `Misconfigured` when the file is missing, is not YAML or has no operations.
    """
    routes = Routes.from_document(parse_document(path))
    if not routes:
        raise Misconfigured(
            f"{path} is not an OpenAPI document with operations (no operationId in it)"
        )
    return routes


def routes_of(target: Target) -> Routes:
    """The operations of the target's OpenAPI document, in the target's dialect."""
    return contract_routes(target.contract)


def contract_routes(contract: Contract) -> Routes:
    """The operations of a `[contract]` as it was loaded, its document's path absolute."""
    overrides = {
        operation_id: (dialect.method, dialect.path)
        for operation_id, dialect in contract.operations.items()
    }
    path, shipped = Path(contract.openapi), contract_document()
    described = Routes.from_document(document_of(contract))
    if not described:
        raise Misconfigured(
            f"{path} is not an OpenAPI document with operations of the contract (none has a name, "
            "or a method and path, that the contract knows); write where they are: "
            '[contract.operations] getJob = { method = "GET", path = "/jobs/{job_id}" }'
        )
    if shipped is not None and not is_shipped(contract):
        described = described.as_demanded(load_routes(shipped), frozenset(overrides))
    return described.overridden(overrides, contract.absent_operations)
