"""Rows of checks for a terminal of any width: ids and titles are shown whole."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

_COUNTS_WIDTH = 32
"""Room for the longest `1000 of 1000 observed` and the seconds."""

_INDENT = 6
"""Of a title below its id."""


class Listed(Protocol):
    """What a row shows of a check, before or after it ran."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def title(self) -> str:
        """Its title."""

    @property
    def family(self) -> str:
        """The part of the id before its first dot."""

    @property
    def checklist(self) -> str:
        """The line of the production checklist."""


ListedT = TypeVar("ListedT", bound=Listed)


class CheckRows:
    """One line each where every check of the list fits, else the title on a line below the id."""

    def __init__(self, checks: Iterable[Listed], width: int) -> None:
        checks = list(checks)
        self._id_width = max((len(check.id) for check in checks), default=0)
        title_width = max((len(check.title) for check in checks), default=0)
        self._width = width
        self._fits = _INDENT + self._id_width + title_width + _COUNTS_WIDTH <= width

    def row(self, mark: RenderableType, check_id: Text, title: str, *counts: str) -> RenderableType:
        """Give one check: its mark, id and title, and figures at the right edge."""
        line = Table.grid(padding=(0, 2), expand=True)
        line.add_column(width=3, justify="right")
        # A line longer than the terminal would leave a live area behind at each redrawing.
        room = self._width - 3 - sum(2 + max(8, len(text)) for text in counts) - 4
        line.add_column(
            min_width=min(self._id_width, max(1, room)), ratio=None if self._fits else 1,
            overflow="fold",
        )  # fmt: skip
        cells: list[RenderableType] = [mark, check_id]
        if self._fits:
            line.add_column(ratio=1)
            cells.append(Text(title))
        for text in counts:
            line.add_column(justify="right", min_width=8)
            cells.append(Text(text, style="dim"))
        line.add_row(*cells)
        if self._fits or not title:
            return line
        return Group(line, Padding(Text(title), (0, 0, 0, _INDENT)))


def by_checklist(checks: Iterable[ListedT]) -> dict[str, dict[str, list[ListedT]]]:
    """Group checks by family and checklist line, each in order of first appearance."""
    families: dict[str, dict[str, list[ListedT]]] = {}
    for check in checks:
        families.setdefault(check.family, {}).setdefault(check.checklist, []).append(check)
    return families
