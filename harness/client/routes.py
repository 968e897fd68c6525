"""Which method and path an operation has: read from the OpenAPI document that the target names."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from harness.errors import Misconfigured

METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
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
    may_be_file: bool = False
    """Whether a success may carry a file, which is longer than any document is read to be."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the template's parameters, in order."""
        return tuple(_PARAMETER.findall(self.template))

    def path(self, values: Mapping[str, object]) -> str:
        """Fill the template in. Values are quoted: an id never becomes another path."""
        if missing := set(self.parameters) - set(values):
            raise Misconfigured(
                f"{self.operation_id}: {self.method} {self.template} needs {sorted(missing)}; "
                f"got only {sorted(values)}"
            )
        return _PARAMETER.sub(lambda found: quote(str(values[found[1]]), safe=""), self.template)


class Routes(Mapping[str, Route]):
    """All operations of an API by their operationId, in the document's order."""

    def __init__(self, routes: Mapping[str, Route]) -> None:
        self._routes = dict(routes)

    def __getitem__(self, operation_id: str) -> Route:
        try:
            return self._routes[operation_id]
        except KeyError:
            raise Misconfigured(
                f"the OpenAPI document has no operation {operation_id!r}; it has "
                f"{', '.join(self._routes) or 'none'}. Add it there, or map it in the target "
                f"file: [contract.operations.{operation_id}]"
            ) from None

    def __iter__(self) -> Any:  # noqa: ANN401 - an iterator of names
        return iter(self._routes)

    def __len__(self) -> int:
        return len(self._routes)

    def overridden(self, overrides: Mapping[str, tuple[str | None, str | None]]) -> "Routes":
        """Apply a dialect: operationId → (method, path), None keeping the document's."""
        routes = dict(self._routes)
        for operation_id, (method, path) in overrides.items():
            known = routes.get(operation_id)
            if known is None:
                if method is None or path is None:
                    raise Misconfigured(
                        f"operations.{operation_id}: the OpenAPI document does not know it, so "
                        "both method and path are needed"
                    )
                known = Route(operation_id=operation_id, method=method.upper(), template=path)
            routes[operation_id] = replace(
                known, method=(method or known.method).upper(), template=path or known.template
            )
        return Routes(routes)

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


@lru_cache(maxsize=4)
def load_routes(path: Path) -> Routes:
    """Read the operations of an OpenAPI document in YAML or JSON.

    Raises `Misconfigured` when the file is missing, is not YAML or has no operations.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Misconfigured(f"cannot read the OpenAPI document {path}: {error}") from error
    # The C loader is ten times as fast; PyYAML is built without it on a few platforms.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        document = yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are the safe ones
    except yaml.YAMLError as error:
        raise Misconfigured(f"{path} is not YAML: {error}") from error
    routes = Routes.from_document(document if isinstance(document, dict) else {})
    if not routes:
        raise Misconfigured(f"{path} is no OpenAPI document with operations (no operationId in it)")
    return routes
