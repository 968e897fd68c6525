"""The `cover` fixture: a check says where it looked, and the report shows it."""

from harness.coverage import CoverageTable


class Coverage:
    """`cover("operations", operation="getJob", token="viewer")`: one cell of a named table."""

    def __init__(self) -> None:
        self._axes: dict[str, tuple[str, ...]] = {}
        self._cells: dict[str, list[tuple[str, ...]]] = {}

    def __call__(self, table: str, /, **axes: str) -> None:
        """Note that this cell was looked at; saying it twice is as good as once.

        Raises `ValueError` when no axis is named, or others than before in the same table: a
        table whose cells do not line up shows nothing.
        """
        names = tuple(axes)
        known = self._axes.setdefault(table, names)
        if not names or set(names) != set(known):
            raise ValueError(
                f"cover({table!r}): expected the axes {', '.join(known) or '(at least one)'}, "
                f"got {', '.join(names) or 'none'}"
            )
        self._cells.setdefault(table, []).append(tuple(str(axes[name]) for name in known))

    def tables(self) -> tuple[CoverageTable, ...]:
        """Everything noted so far."""
        return tuple(
            CoverageTable.of(name, axes, self._cells.get(name, []))
            for name, axes in self._axes.items()
        )
