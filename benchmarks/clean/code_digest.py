"""A digest of the code that decides what a drill says, and one of the backend that it was run on.

What Python does not run does not count: comments, docstrings and layout may change, and the digest stays.
"""

import ast
import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

PACKAGES = ("chaos", "harness")
"""Where the code of drills is: a drill, what it imports, and what that imports."""

ALWAYS = (
    "harness.plugin.fixtures",
    "harness.plugin.checking.execution",
    "harness.plugin.checking.outcomes",
)
"""What every drill uses, also where it does not import it."""

SUFFIXES = frozenset({".py", ".sql", ".mjs", ".js", ".ts", ".toml", ".json", ".yaml", ".yml"})
"""Files that are code of a backend."""

_LENGTH = 16


def drill_digest(root: Path, check_file: Path) -> str:
    """Give the digest of a drill's file and of all modules of ours that it imports, however deep; beside them their SQL.

    Raises `SyntaxError` and `OSError` where one of them cannot be read.
    """
    modules = closure(root, check_file)
    statements = {sql for module in modules for sql in module.parent.glob("*.sql")}
    return _digest({path.relative_to(root).as_posix(): path for path in modules | statements})


def backend_digest(folder: Path, target_file: Path) -> str:
    """Give the digest of a backend's folder, without its tests and its seeded bugs, and of its target file.

    Raises `OSError` where a file cannot be read, `ValueError` where there is none.
    """
    files = {
        path for path in folder.rglob("*") if path.suffix in SUFFIXES and _counts(path, folder)
    }
    if not files - {target_file}:
        raise ValueError(f"{folder}: holds no code of a backend")
    return _digest(
        {path.relative_to(folder).as_posix(): path for path in files} | {"target": target_file}
    )


def closure(root: Path, check_file: Path) -> set[Path]:
    """Give a file and all modules of `PACKAGES` that it imports, and that those import."""
    found: set[Path] = set()
    waiting = [check_file, *(path for name in ALWAYS for path in _files_of(root, name))]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        for name in _imported(path):
            waiting += _files_of(root, name)
    return found


def _files_of(root: Path, name: str) -> Iterator[Path]:
    """Give the files that run when a module of ours is imported: its own and its packages'."""
    parts = name.split(".")
    if parts[0] not in PACKAGES:
        return
    for length in range(1, len(parts) + 1):
        place = root.joinpath(*parts[:length])
        for file in (place / "__init__.py", place.with_suffix(".py")):
            if file.is_file():
                yield file


def _counts(path: Path, folder: Path) -> bool:
    parts = path.relative_to(folder).parts
    hidden = any(part.startswith(".") or part in ("node_modules", "__pycache__") for part in parts)
    is_defect = any(part.partition(".")[0] == "defects" for part in parts)
    is_test = path.name.startswith("test_") or path.name == "conftest.py"
    return path.is_file() and not (hidden or is_defect or is_test)


def _digest(files: Mapping[str, Path]) -> str:
    """Hash files under the names that are given."""
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        content = _code(path)
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:_LENGTH]


def _imported(path: Path) -> tuple[str, ...]:
    return _read(path, path.stat().st_mtime_ns)[1]


def _code(path: Path) -> bytes:
    return _read(path, path.stat().st_mtime_ns)[0]


@cache
def _read(path: Path, _changed_ns: int) -> tuple[bytes, tuple[str, ...]]:
    """Give the code of a file, of Python without comments and docstrings, and the names that it imports."""
    content = path.read_bytes()
    if path.suffix != ".py":
        return content, ()
    tree = ast.parse(content)
    imported = tuple(_names(tree))
    return ast.unparse(_without_docstrings(tree)).encode(), imported


def _names(tree: ast.Module) -> Iterator[str]:
    """Give the dotted names that a module imports, also inside its functions; some may be no modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    """Take out every string that stands alone: docstrings, and the texts below fields."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [each for each in body if not _is_text(each)] or [ast.Pass()]  # type: ignore[attr-defined]
    return tree


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
