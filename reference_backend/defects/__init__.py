"""The bug zoo: real mistakes, each in one file, switched on by ``REFERENCE_BACKEND_DEFECT=<id>``.

A defect is a module with a ``DEFECT`` value; its id is the file's name with dashes. It changes the backend
as a tired engineer would: an edit of a shipped SQL file, a replaced Python function, or both. The clean code
does not know the defects. ``python -m reference_backend.defects`` prints them all as JSON for ``shakedown prove``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import LiteralString

from reference_backend import migrate, queries


class DefectError(Exception):
    """A defect does not fit the code that it changes, or there is no such defect."""


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One replacement in a shipped SQL file, for instance ``migrations/0006_queue.sql``.

    The file must contain ``old`` exactly once: a defect that no longer changes anything must be noticed.
    """

    file: str
    old: str
    new: str

    def apply(self, text: str) -> str:
        """The text with the mistake; raises DefectError unless it contains ``old`` exactly once."""
        if (found := text.count(self.old)) != 1:
            raise DefectError(f"{self.file}: expected once, found {found} times: {self.old!r}")
        return text.replace(self.old, self.new)


@dataclass(frozen=True, kw_only=True)
class Defect:
    """A seeded bug.

    ``source`` says where it was seen, ``expected`` names the checks for it: at least one of them must fail. ``edits`` change shipped SQL files, ``sql`` runs after the last migration, and ``patch``
    replaces Python, called once at the start of every process of the backend.
    """

    title: str
    source: str
    expected: tuple[str, ...]
    edits: tuple[Edit, ...] = ()
    sql: str = ""
    patch: Callable[[], None] | None = None

    @property
    def family(self) -> str:
        """The first part of the check ids that it breaks."""
        return self.expected[0].partition(".")[0]


def zoo() -> dict[str, Defect]:
    """Every defect by its id, in alphabetical order."""
    names = sorted(
        module.name for module in iter_modules(__path__) if not module.name.startswith("_")
    )
    return {name.replace("_", "-"): _load(name) for name in names}


def switch_on(name: str) -> None:
    """Put the defect into this process; raises DefectError."""
    module = name.replace("-", "_")
    if module not in {found.name for found in iter_modules(__path__)} or module.startswith("_"):
        raise DefectError(
            f"REFERENCE_BACKEND_DEFECT: no such defect: {name}; `python -m reference_backend.defects` "
            "of the installed copy prints them all (installed without -e, a new one is not among them)"
        )
    defect = _load(module)
    _edit_migrations(
        [edit for edit in defect.edits if edit.file.startswith("migrations/")], defect.sql
    )
    _edit_queries([edit for edit in defect.edits if edit.file.startswith("queries/")])
    if defect.patch:
        defect.patch()


def _load(module: str) -> Defect:
    defect = import_module(f"{__name__}.{module}").DEFECT
    assert isinstance(defect, Defect), f"{module}.py: expected DEFECT to be a Defect"
    return defect


def _edit_migrations(edits: Sequence[Edit], sql: str) -> None:
    """Apply the edits when migrations are read; an edit of an unknown file is an error at once."""
    clean = migrate.shipped

    def shipped() -> list[migrate.Migration]:
        more = [migrate.migration_of("9999_defect", sql)] if sql else []
        return [_edited(migration, edits) for migration in clean()] + more

    known = {f"migrations/{migration.version}.sql" for migration in clean()}
    if strange := {edit.file for edit in edits} - known:
        raise DefectError(f"no such file: {', '.join(sorted(strange))}")
    migrate.shipped = shipped


def _edited(migration: migrate.Migration, edits: Sequence[Edit]) -> migrate.Migration:
    text: str = migration.sql
    for edit in edits:
        if edit.file == f"migrations/{migration.version}.sql":
            text = edit.apply(text)
    return migrate.migration_of(migration.version, text)


def _edit_queries(edits: Sequence[Edit]) -> None:
    if not edits:
        return
    clean = queries.load
    changed: dict[str, LiteralString] = {}
    for edit in edits:
        name = edit.file.removeprefix("queries/").removesuffix(".sql")
        changed[name] = edit.apply(changed.get(name) or clean(name))

    def load(name: str) -> LiteralString:
        return changed[name] if name in changed else clean(name)

    queries.load = load  # type: ignore[assignment]  # the clean one is cached
