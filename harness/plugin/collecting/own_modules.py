"""Modules beside a team's checks: found by their imports, and never mistaken for others."""

import ast
import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path


def make_importable(folder: Path) -> None:
    """Let checks import what stands in their folder, after everything that is installed.

    A package is imported by its own name instead, from the folder that it stands in.
    """
    if not (folder / "__init__.py").exists() and str(folder) not in sys.path:
        sys.path.append(str(folder))


def make_all_importable(folders: Iterable[str]) -> None:
    """Do so for all folders and files that the command line names, before pytest begins."""
    for name in folders:
        place = Path(name.partition("::")[0]).resolve()
        make_importable(place if place.is_dir() else place.parent)


def mistaken_modules(file: Path) -> Iterator[str]:
    """Say which modules that a file imports are beside it, and yet others would be imported."""
    if (file.parent / "__init__.py").exists():
        return
    for name in sorted(_imported(file)):
        beside = [file.parent / f"{name}.py", file.parent / name / "__init__.py"]
        wanted = next((path for path in beside if path.is_file()), None)
        if wanted is None:
            continue
        spec = find_spec(name)
        found = spec.origin if spec and spec.origin else "nothing"
        if Path(found).resolve() != wanted.resolve():
            yield f"it imports {name!r}, and Python finds {found} before {wanted}: rename one"


def _imported(file: Path) -> set[str]:
    """Give the first parts of the names that a file imports; none of a file that is broken."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}
