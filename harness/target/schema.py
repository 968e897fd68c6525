"""The JSON Schema of target files, for editors: generated from the tables that read them."""

import ast
import inspect
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from harness.target.target import Target

Json = Any

_FROM_ENVIRONMENT = r"\{env:\w+\??\}"
_NARROW = ("pattern", "enum", "const", "minLength", "maxLength")
"""What a text must be like; one that is read from the environment is not like it yet."""


def target_schema() -> dict[str, Json]:
    """Give the JSON Schema (2020-12) of a target file as TOML's values.

    It knows every key, its type, its words and what it means. What two keys mean together, which
    files there are, and the names of the contract only the loader knows.
    """
    schema = Target.model_json_schema(schema_generator=_Described)
    plain = _without_null(schema)
    assert isinstance(plain, dict)
    plain |= {
        "$schema": GenerateJsonSchema.schema_dialect,
        "title": "A target file of Shakedown",
        "description": "One backend, described well enough to be started and tested "
        "(docs/target-file.md).",
    }
    return plain


class _Described(GenerateJsonSchema):
    """Gives each key the docstring below it: pydantic's own way would read sources in every run."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        described = docstrings(schema["cls"])
        for name, each in made.get("properties", {}).items():
            each.pop("title", None)  # the name again, with capitals
            if name in described:
                each["description"] = described[name]
        return made


def docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Give the docstrings of a table's keys, those of the tables it is built on included."""
    found: dict[str, str] = {}
    for ancestor in reversed(model.__mro__):
        if issubclass(ancestor, BaseModel) and ancestor is not BaseModel:
            found |= _of_module(ancestor.__module__).get(ancestor.__name__, {})
    return found


@cache
def _of_module(name: str) -> Mapping[str, Mapping[str, str]]:
    tree = ast.parse(inspect.getsource(sys.modules[name]))
    return {node.name: _of_class(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _of_class(node: ast.ClassDef) -> dict[str, str]:
    found = {}
    for field, following in zip(node.body, node.body[1:], strict=False):
        match field, following:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = " ".join(inspect.cleandoc(text).split())
    return found


def _without_null(node: Json) -> Json:
    """TOML has no null; what may be left out is not required, and that is enough.

    A text may also be read from the environment, whatever it must be like then.
    """
    if isinstance(node, list):
        return [_without_null(each) for each in node]
    if not isinstance(node, dict):
        return node
    made = {key: _without_null(each) for key, each in node.items()}
    if made.get("default", 0) in (None, {}) or isinstance(made.get("default"), dict):
        del made["default"]
    if "patternProperties" in made:
        made.setdefault("additionalProperties", False)  # no name is like none of the patterns
    if "anyOf" in made:
        made["anyOf"] = [each for each in made["anyOf"] if each != {"type": "null"}]
        if len(made["anyOf"]) == 1:
            made |= made.pop("anyOf")[0]
    if made.get("type") == "string" and any(key in made for key in _NARROW):
        narrow = {key: made.pop(key) for key in ("type", *_NARROW, "format") if key in made}
        made["anyOf"] = [narrow, {"type": "string", "pattern": _FROM_ENVIRONMENT}]
    return made
