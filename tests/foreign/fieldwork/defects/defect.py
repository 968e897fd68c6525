"""What a defect is, and the ways of making one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.foreign.fieldwork import migrate


@dataclass(frozen=True, kw_only=True)
class Defect:
    """A bug that can be switched on.

    `source` says where it was seen, `expected` names the checks whose business it is.
    """

    id: str
    title: str
    source: str
    expected: tuple[str, ...]
    switch_on: Callable[[], None]

    def listed(self) -> dict[str, Any]:
        """The defect as `[zoo] list_command` prints it."""
        return {
            "id": self.id,
            "title": self.title,
            "family": self.expected[0].partition(".")[0],
            "source": self.source,
            "expected": list(self.expected),
        }


def put(owner: object, name: str, other: object) -> Callable[[], None]:
    """Put `other` in the place of what `owner` has under this name."""

    def switch_on() -> None:
        if not hasattr(owner, name):
            raise LookupError(f"{owner!r} has no {name}: the defect has lost its place")
        setattr(owner, name, other)

    return switch_on


def edit(owner: object, name: str, old: str, new: str) -> Callable[[], None]:
    """Change a passage of a text that `owner` has under this name."""

    def switch_on() -> None:
        text = getattr(owner, name)
        if old not in text:
            raise LookupError(f"{name} does not hold {old!r}: the defect has lost its place")
        setattr(owner, name, text.replace(old, new))

    return switch_on


def migrated(file: str, old: str, new: str) -> Callable[[], None]:
    """Change a passage of a migration, every time it stands there."""

    def switch_on() -> None:
        text = migrate.MIGRATIONS[file]
        if old not in text:
            raise LookupError(f"{file} does not hold {old!r}: the defect has lost its place")
        migrate.MIGRATIONS[file] = text.replace(old, new)

    return switch_on


def all_of(*changes: Callable[[], None]) -> Callable[[], None]:
    """Several changes that make one defect."""

    def switch_on() -> None:
        for change in changes:
            change()

    return switch_on
