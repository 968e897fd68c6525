"""The bug zoo: real mistakes, each in one file, switched on by ``REFERENCE_BACKEND_DEFECT=<id>``;
several at once by ``<id>,<id>``.

A defect is a module with a ``DEFECT`` value; its id is the file's name with dashes. It changes the backend
as a tired engineer would: an edit of a shipped SQL file, a replaced Python function, or both. The clean code
does not know the defects. ``python -m reference_backend.defects`` prints them all as JSON for ``shakedown prove``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import LiteralString

from reference_backend import migrate, queries
from reference_backend.defects import _together


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


def switch_on(names: str) -> None:
    """Put one defect, or several with commas between them, into this process.

    Raises DefectError: there is no such defect, it does not fit the code, or two of them touch the
    same text of a file, or replace the same function or the same object of the database.
    """
    chosen = {name: _named(name) for name in filter(None, map(str.strip, names.split(",")))}
    if len(chosen) > 1:
        _refuse_edits_of_the_same(chosen)
    migrations = [
        edit
        for defect in chosen.values()
        for edit in defect.edits
        if edit.file.startswith("migrations/")
    ]
    _edit_migrations(migrations, {name: defect.sql for name, defect in chosen.items()})
    _edit_queries(
        [
            edit
            for defect in chosen.values()
            for edit in defect.edits
            if edit.file.startswith("queries/")
        ]
    )
    _patch(chosen)


def _named(name: str) -> Defect:
    module = name.replace("-", "_")
    if module not in {found.name for found in iter_modules(__path__)} or module.startswith("_"):
        raise DefectError(
            f"REFERENCE_BACKEND_DEFECT: no such defect: {name}; `python -m reference_backend.defects` "
            "of the installed copy prints them all (installed without -e, a new one is not among them)"
        )
    return _load(module)


def _refuse_edits_of_the_same(chosen: Mapping[str, Defect]) -> None:
    """Two edits of the same text, or of an object that another one makes anew, hide each other."""
    clean = {f"migrations/{each.version}.sql": str(each.sql) for each in migrate.shipped()}
    spans: list[tuple[str, str, int, int]] = []
    objects: dict[str, str] = {}
    for name, defect in chosen.items():
        for replaced in sorted(_together.objects_replaced(defect.sql)):
            if (other := objects.setdefault(replaced, name)) != name:
                raise _hide_each_other(other, name, f"both replace the {replaced}")
        for edit in defect.edits:
            text = clean.get(edit.file) or queries.load(_query(edit.file))
            edit.apply(text)
            begin, end = _together.span_of(text, edit.old)
            for other, file, first, last in spans:
                if other != name and file == edit.file and begin < last and first < end:
                    raise _hide_each_other(other, name, f"both change the same text of {file}")
            spans.append((name, edit.file, begin, end))
    for name, file, begin, _ in spans:
        for edited in _together.objects_edited(clean.get(file, ""), begin) & set(objects):
            if (other := objects[edited]) != name:
                raise _hide_each_other(
                    other, name, f"one replaces the {edited} that the other edits"
                )


def _hide_each_other(one: str, other: str, why: str) -> DefectError:
    return DefectError(
        f"REFERENCE_BACKEND_DEFECT: {one} and {other} cannot be on at once: {why}; choose one of them"
    )


def _patch(chosen: Mapping[str, Defect]) -> None:
    if len(chosen) > 1:
        _together.load_all()
    replaced_by: dict[_together.Name, str] = {}
    for name, defect in chosen.items():
        if defect.patch is None:
            continue
        before = _together.python_names() if len(chosen) > 1 else {}
        defect.patch()
        if not before:
            continue
        for owner, inner in sorted(_together.replaced(before, _together.python_names())):
            if (other := replaced_by.setdefault((owner, inner), name)) != name:
                raise _hide_each_other(other, name, f"both replace {owner}.{inner}")


def _load(module: str) -> Defect:
    defect = import_module(f"{__name__}.{module}").DEFECT
    assert isinstance(defect, Defect), f"{module}.py: expected DEFECT to be a Defect"
    return defect


def _edit_migrations(edits: Sequence[Edit], sql: Mapping[str, str]) -> None:
    """Apply the edits when migrations are read; an edit of an unknown file is an error at once."""
    clean = migrate.shipped

    def shipped() -> list[migrate.Migration]:
        more = [migrate.migration_of(f"9999_{name}", text) for name, text in sql.items() if text]
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


def _query(file: str) -> str:
    """The name of the query in a file."""
    return file.removeprefix("queries/").removesuffix(".sql")


def _edit_queries(edits: Sequence[Edit]) -> None:
    if not edits:
        return
    clean = queries.load
    changed: dict[str, LiteralString] = {}
    for edit in edits:
        name = _query(edit.file)
        changed[name] = edit.apply(changed.get(name) or clean(name))

    def load(name: str) -> LiteralString:
        return changed[name] if name in changed else clean(name)

    queries.load = load  # type: ignore[assignment]  # the clean one is cached
