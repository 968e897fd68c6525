"""Fixtures that a check asks for and that do not exist: reported before anything is started."""

import difflib
from pathlib import Path
from types import ModuleType

import pytest

_OF_PYTEST_ITSELF = "request"
_FIXTURE = "FixtureFunctionDefinition"
"""The type that `@pytest.fixture` makes of a function; pytest has no public name for it."""


def missing_fixtures(item: pytest.Item) -> str:
    """Say which fixtures an item asks for that do not exist, and which do; nothing if none."""
    info = getattr(item, "_fixtureinfo", None)  # pytest has no public name for it
    if info is None:
        return ""
    callspec = getattr(item, "callspec", None)
    known = {*info.name2fixturedefs, *(callspec.params if callspec else ()), _OF_PYTEST_ITSELF}
    missing = [name for name in info.names_closure if name not in known]
    if not missing:
        return ""
    offered = _offered(item)
    names = ", ".join(f"{name!r}{_suggestion(name, offered)}" for name in missing)
    some = "a fixture that does not exist" if len(missing) == 1 else "fixtures that do not exist"
    return f"asks for {some}: {names}; there are: {', '.join(offered)}"


def _offered(item: pytest.Item) -> list[str]:
    """Give our fixtures and those of the team that this item can have, not pytest's own."""
    modules = [getattr(item, "module", None), *item.config.pluginmanager.get_plugins()]
    return sorted(
        {
            name
            for module in modules
            if _is_for(module, item.path)
            for name, value in vars(module).items()
            if type(value).__name__ == _FIXTURE and not name.startswith("_")
        }
    )


def _is_for(module: object, path: Path) -> bool:
    """Say whether a module is our plugin, the item's own or a conftest.py above it."""
    file = getattr(module, "__file__", None)
    if not isinstance(module, ModuleType) or file is None:
        return False
    return module.__name__.startswith("harness.plugin.") or path.is_relative_to(Path(file).parent)


def _suggestion(name: str, offered: list[str]) -> str:
    close = difflib.get_close_matches(name, offered, n=1)
    return f" (did you mean {close[0]}?)" if close else ""
