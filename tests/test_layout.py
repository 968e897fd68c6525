"""Where things are: a check lies in the folder of its id's prefix, and imports no other check."""

import ast
import importlib
from pathlib import Path

import pytest

from harness.check import spec_of

ROOT = Path(__file__).parents[1]

FOLDERS = {"contract": "conformance"}
"""The folder of a family, where it cannot be called like the family: `contracts/contract`."""

CHECK_FILES = sorted(
    path.relative_to(ROOT)
    for package in ("contracts", "load", "chaos")
    for path in (ROOT / package).rglob("check_*.py")
)


def imported(path: Path) -> set[str]:
    """The dotted names that a module imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.parametrize("file", CHECK_FILES, ids=str)
def test_a_check_lies_in_the_folder_of_its_ids_prefix(file: Path) -> None:
    module = importlib.import_module(".".join(file.with_suffix("").parts))
    specs = [spec for value in vars(module).values() if (spec := spec_of(value))]
    assert specs
    for spec in specs:
        assert file.parent.name == FOLDERS.get(spec.family, spec.family), spec.id


def test_no_module_imports_a_file_of_checks() -> None:
    checks = {".".join(file.with_suffix("").parts) for file in CHECK_FILES}
    packages = ("harness", "contracts", "load", "chaos", "reference_backend")
    for package in packages:
        for path in (ROOT / package).rglob("*.py"):
            assert not imported(path) & checks, path
