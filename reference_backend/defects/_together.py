"""Several defects at once: those that would hide each other are refused, by name."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType

import reference_backend

_OBJECT = re.compile(
    r"\b(?:CREATE(?:\s+OR\s+REPLACE)?|ALTER|DROP)\s+(FUNCTION|TRIGGER|POLICY|VIEW|MATERIALIZED\s+VIEW"
    r"|INDEX|TABLE)\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?([a-z_.]+)",
    re.IGNORECASE,
)

Name = tuple[str, str]
"""A module or class, and what is replaced in it."""


def span_of(text: str, old: str) -> tuple[int, int]:
    """Where a text that stands in it once begins and ends."""
    begin = text.index(old)
    return begin, begin + len(old)


def objects_replaced(sql: str) -> set[str]:
    """The objects of the database, other than tables, that a defect's own SQL makes anew."""
    return {
        f"{' '.join(kind.lower().split())} {name.lower()}"
        for kind, name in _OBJECT.findall(sql)
        if kind.upper() != "TABLE"
    }


def objects_edited(text: str, begin: int) -> set[str]:
    """The object in whose definition a place of a migration stands."""
    before = [
        f"{' '.join(found[1].lower().split())} {found[2].lower()}"
        for found in _OBJECT.finditer(text)
        if found.start() <= begin
    ]
    return {before[-1]} if before and not before[-1].startswith("table ") else set()


def load_all() -> None:
    """Import every module of the backend, so that what patches replace can be compared."""
    for module in walk_packages(reference_backend.__path__, "reference_backend."):
        # Running __main__ would start the backend; the defects are loaded when they are asked for.
        if not module.name.endswith("__main__") and ".defects" not in module.name:
            import_module(module.name)


def python_names() -> dict[Name, int]:
    """What every name of the backend's modules and classes means now."""
    found: dict[Name, int] = {}
    for module in _modules():
        for name, value in list(vars(module).items()):
            found[module.__name__, name] = id(value)
            if isinstance(value, type) and value.__module__ == module.__name__:
                owner = f"{module.__name__}.{value.__qualname__}"
                found |= {(owner, inner): id(each) for inner, each in vars(value).items()}
    return found


def replaced(before: Mapping[Name, int], after: Mapping[Name, int]) -> set[Name]:
    """The names that mean something else now."""
    return {name for name, value in after.items() if before.get(name, value) != value}


def _modules() -> Iterator[ModuleType]:
    for name, module in list(sys.modules.items()):
        if name.startswith("reference_backend") and ".defects" not in name:
            yield module
