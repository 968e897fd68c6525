"""What a check has covered, cell by cell: operations × tokens × ids, tables × rules.

A pass says that nothing was wrong; coverage says where it looked.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, kw_only=True)
class CoverageTable:
    """One table of coverage: its axes, and the cells that were looked at, sorted and each once."""

    name: str
    axes: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    """One value for each axis."""

    @property
    def values(self) -> dict[str, tuple[str, ...]]:
        """Every axis with the values that occur on it, sorted."""
        return {
            axis: tuple(sorted({cell[number] for cell in self.cells}))
            for number, axis in enumerate(self.axes)
        }

    @property
    def possible(self) -> int:
        """How many cells there would be if every combination of the values had been looked at."""
        return math.prod(len(values) for values in self.values.values())

    def describe(self) -> str:
        """Say in one line how much it holds: `operations: 13 operation × 7 token, 91 cells`."""
        sizes = " × ".join(f"{len(values)} {axis}" for axis, values in self.values.items())
        whole = len(self.cells) == self.possible
        count = f"all {self.possible}" if whole else f"{len(self.cells)} of {self.possible}"
        return f"{self.name}: {sizes}, {count} cells"

    def redacted(self, redact: Callable[[str], str]) -> Self:
        """Give the same table with every cell redacted."""
        cells = [tuple(map(redact, cell)) for cell in self.cells]
        return self.of(self.name, self.axes, cells)

    @classmethod
    def of(cls, name: str, axes: Iterable[str], cells: Iterable[tuple[str, ...]]) -> Self:
        """Build a table from cells in any order, some of them perhaps more than once."""
        return cls(name=name, axes=tuple(axes), cells=tuple(sorted(set(cells))))
