"""Compiled validators for the schemas of an OpenAPI document."""

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, Protocol

Json = Any
Schema = Mapping[str, Any]

_UTC = "([Zz]|[+-]00:00)$"
"""RFC 3339 has several spellings of UTC; the document shows one, the contract requires none."""

_NUL_FREE = re.compile(r"\\u0000|\x00")
_EXACT = 2**53 - 1


class Validator(Protocol):
    """A compiled schema."""

    def is_valid(self, instance: Json) -> bool:
        """Whether the instance fits."""

    def iter_errors(self, instance: Json) -> Iterator[Any]:
        """The errors of an instance that does not fit."""


class SchemaValidators:
    """Compiles the schemas of a document, each once."""

    def __init__(self, components: Mapping[str, Any], *, ignore_lengths: bool) -> None:
        self._components = components
        self._is_loose = _is_length_or_loose if ignore_lengths else _is_loose
        self._compiled: dict[str, Validator] = {}

    def answer(self, schema: Schema) -> Validator:
        """Strict, except for spellings that the contract leaves open."""
        return self._compile("answer", schema, self._answer_components)

    def request(self, schema: Schema) -> Validator:
        """Exactly what the document says."""
        return self._compile("request", schema, self._components)

    def loose_request(self, schema: Schema) -> Validator:
        """Without the rules about NUL characters and the size of numbers.

        A backend may refuse or accept a request that breaks only those rules.
        """
        loose = _without(schema, self._is_loose)
        return self._compile("loose request", loose, self._loose_components)

    @cached_property
    def _answer_components(self) -> Json:
        components = copy.deepcopy(dict(self._components))
        schemas = components.get("schemas") or {}
        if "pattern" in (schemas.get("Time") or {}):
            schemas["Time"]["pattern"] = _UTC
        # The contract leaves open: the type of the canonical form's version, the body of a probe,
        (schemas.get("LedgerEvent") or {}).get("properties", {}).pop("canonical_version", None)
        if "HealthAnswer" in schemas:
            schemas["HealthAnswer"] = {}
        # and most codes of problems.
        (schemas.get("Problem") or {}).get("properties", {}).get("code", {}).pop("enum", None)
        return components

    @cached_property
    def _loose_components(self) -> Json:
        return _without(self._components, self._is_loose)

    def _compile(self, kind: str, schema: Schema, components: Json) -> Validator:
        import jsonschema_rs  # only the checks that validate load it  # noqa: PLC0415

        key = f"{kind} {json.dumps(schema, sort_keys=True)}"
        if key not in self._compiled:
            self._compiled[key] = jsonschema_rs.Draft202012Validator(
                {**schema, "components": components}, validate_formats=True
            )
        return self._compiled[key]


def _without(node: Json, is_loose: Callable[[str, Json], bool]) -> Json:
    """A schema without the keywords for which `is_loose` is true."""
    if isinstance(node, list):
        return [_without(each, is_loose) for each in node]
    if not isinstance(node, Mapping):
        return node
    return {
        name: _without(value, is_loose) for name, value in node.items() if not is_loose(name, value)
    }


def _is_loose(name: str, value: Json) -> bool:
    """Whether a keyword forbids NUL characters or numbers beyond 2^53."""
    if name == "pattern":
        return isinstance(value, str) and _NUL_FREE.search(value) is not None
    return name in ("minimum", "maximum") and value in (-_EXACT, _EXACT)


def _is_length_or_loose(name: str, value: Json) -> bool:
    """The same, or limits the length of texts, which the contract leaves open to other dialects."""
    return name == "maxLength" or _is_loose(name, value)
