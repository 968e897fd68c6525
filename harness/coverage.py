"""What a check has been through, cell by cell: operations × tokens × ids, tables × rules.

A pass says that nothing was wrong; coverage says where it looked.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self


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

    def told(self, redact: Callable[[str], str]) -> Self:
        """Give the same with every cell made fit to be shown."""
        cells = [tuple(map(redact, cell)) for cell in self.cells]
        return self.of(self.name, self.axes, cells)

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON and the wire."""
        return {"name": self.name, "axes": list(self.axes), "cells": [list(c) for c in self.cells]}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Rebuild what `to_dict` gave."""
        return cls(
            name=plain["name"],
            axes=tuple(plain["axes"]),
            cells=tuple(tuple(cell) for cell in plain["cells"]),
        )

    @classmethod
    def of(cls, name: str, axes: Iterable[str], cells: Iterable[tuple[str, ...]]) -> Self:
        """Build a table from cells in any order, some of them perhaps more than once."""
        return cls(name=name, axes=tuple(axes), cells=tuple(sorted(set(cells))))
