"""Turns pydantic's errors into messages in the terms of the target file."""

import re
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic_core import ErrorDetails

from harness.target.toml.lines import KeyPath
from harness.target.toml.nearest import nearest

_EXPECTED = {
    "string_type": "a text in quotes",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": 'a list, such as ["a", "b"]',
    "mapping_type": "a table",
    "dict_type": "a table",
    "model_type": "a table",
    "finite_number": "a finite number",
}

_PATTERNS = {
    "^/": "a path that begins with /",
    r"^(/([^~/]|~[01])*)*$": 'a JSON Pointer such as "/a/b", or "" for the whole document',
    r"^[1-5]\d\d( \S+)?$": 'a status, or a status and an error code, such as "404 not_found"',
}
"""What a pattern of a key demands, in words."""

_LIMITS = {
    "greater_than": ("gt", "more than {}"),
    "greater_than_equal": ("ge", "at least {}"),
    "less_than": ("lt", "less than {}"),
    "less_than_equal": ("le", "at most {}"),
    "too_short": ("min_length", "at least {} of them"),
    "string_too_short": ("min_length", "at least {} characters"),
}


def describe_error(details: ErrorDetails, root: type[BaseModel]) -> tuple[KeyPath, str]:
    """Say where in the file a problem is, what was expected and what was got.

    `root` is the model that was validated. Values that may be secret are not repeated.
    """
    kind, context = details["type"], details.get("ctx", {})
    tables, path = _walk(root, details["loc"])
    hint = ""
    if kind == "extra_forbidden":
        return path, _unknown_key(str(path[-1]), tables[-1])
    if kind == "missing":
        return path, "missing; this key is required"
    if kind == "value_error":
        return path, str(context.get("error", details["msg"]))
    if kind == "literal_error":
        expected = f"one of {str(context['expected']).replace(' or ', ', ')}"
        known = re.findall(r"'([^']*)'", str(context["expected"]))
        hint = nearest(str(details["input"]), known)
    elif kind == "string_pattern_mismatch":
        pattern = str(context["pattern"])
        expected = _PATTERNS.get(pattern, f"a text like {pattern}")
    elif kind in _LIMITS:
        name, sentence = _LIMITS[kind]
        expected = sentence.format(_shown(context[name]))
    else:
        expected = _EXPECTED.get(kind, details["msg"])
    value = details["input"]
    got = _kind(value) if _is_secret(tables[-1], path) else _shown(value)
    return path, f"expected {expected}, got {got}{hint}"


def _unknown_key(name: str, table: type[BaseModel]) -> str:
    known = sorted(table.model_fields)
    return f"unknown key; expected one of {', '.join(known)}{nearest(name, known)}"


def _walk(
    root: type[BaseModel], loc: tuple[int | str, ...]
) -> tuple[list[type[BaseModel]], KeyPath]:
    """Follow a location: the models on the way, and the path without pydantic's own steps."""
    tables = [root]
    path: list[int | str] = []
    inner: Any = root
    for step in loc:
        if step == "[key]":
            continue
        path.append(step)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            field = inner.model_fields.get(str(step))
            annotation = field.annotation if field else None
        else:
            annotation = (get_args(inner) or (None,))[-1]
        inner = _model_in(annotation) or annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            tables.append(inner)
    # A problem *with* a table belongs to the table around it.
    if len(tables) > 1 and inner is tables[-1]:
        tables.pop()
    return tables, tuple(path)


def _model_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - typing's own forms
    """Find the model in `Model | None`; not the one in `Mapping[str, Model]`, a step deeper."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if getattr(annotation, "__origin__", None) is not None:
        return None
    return next(filter(None, map(_model_in, get_args(annotation))), None)


def _is_secret(table: type[BaseModel], path: KeyPath) -> bool:
    names = [str(step) for step in path]
    return any(
        name in names and _mentions_secret(field.annotation)
        for name, field in table.model_fields.items()
    )


def _mentions_secret(annotation: Any) -> bool:  # noqa: ANN401 - typing's own forms
    return annotation is SecretStr or any(map(_mentions_secret, get_args(annotation)))


def _kind(value: object) -> str:
    """Give what sort of value it is, and nothing of the value."""
    match value:
        case str():
            return "another text"
        case bool() | int() | float():
            return "a number" if not isinstance(value, bool) else "true or false"
        case _:
            return _shown(value)


def _shown(value: object) -> str:
    """Give a value as it would stand in the file, kind included: `"3"` is not `3`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= 80 else f'"{value[:77]}…"'
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, tuple):
        return "a list" if value else "an empty list"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)
