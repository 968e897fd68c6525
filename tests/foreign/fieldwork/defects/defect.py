"""What a defect is, and how a migration is made to have one."""

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


def migrated(file: str, old: str, new: str) -> Callable[[], None]:
    """Change a passage of a migration, every time it stands there."""

    def switch_on() -> None:
        text = migrate.MIGRATIONS[file]
        if old not in text:
            raise LookupError(f"{file} does not hold {old!r}: the defect has lost its place")
        migrate.MIGRATIONS[file] = text.replace(old, new)

    return switch_on
