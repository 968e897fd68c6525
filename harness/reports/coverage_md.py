"""`coverage.md`: where the checks looked, as tables for people."""

from pathlib import Path

from harness.coverage import CoverageTable
from harness.events import Event, Reporter, RunFinished, RunSummary
from harness.untrusted.sanitizing import sanitize, shorten

_LONGEST_CELL = 300

_MARKUP = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "\\|", "`": "\\`", "[": "\\[", "!": "\\!"}
)
"""What Markdown would make tags, links or images of."""


class CoverageMarkdown(Reporter):
    """Writes `coverage.md` when the run is over, if any check recorded where it looked."""

    def __init__(self, report_path: Path) -> None:
        self._path = report_path / "coverage.md"

    def handle(self, event: Event) -> None:
        """Write the file on the last event."""
        if isinstance(event, RunFinished) and (text := coverage_text(event.summary)):
            self._path.write_text(text, encoding="utf-8", errors="backslashreplace")


def coverage_text(summary: RunSummary) -> str:
    """Every table of every check, with a heading each; empty when there is none."""
    parts = [
        f"## {result.id} ({result.verdict})\n\n{_plain(result.description or result.title)}\n\n"
        f"{table.describe()}\n\n{as_markdown(table)}"
        for result in summary.checks
        for table in result.coverage
    ]
    return "\n".join(["# Where the checks looked\n", *parts]) if parts else ""


def as_markdown(table: CoverageTable) -> str:
    """The first axis down, the second across; what further axes were looked at stands in the cell.

    An empty cell is one that was not looked at.
    """
    rows = table.values[table.axes[0]]
    if len(table.axes) == 1:
        return (
            "\n".join([f"| {table.axes[0]} |", "|---|", *(f"| {_cell(row)} |" for row in rows)])
            + "\n"
        )
    columns = table.values[table.axes[1]]
    found: dict[tuple[str, str], list[str]] = {}
    for row, column, *rest in table.cells:
        found.setdefault((row, column), []).append(" ".join(rest) or "✔")
    heading = f"| {table.axes[0]} \\ {table.axes[1]} | {' | '.join(map(_cell, columns))} |"
    lines = [heading, "|---" * (len(columns) + 1) + "|"]
    for row in rows:
        cells = (_cell(", ".join(found.get((row, column), []))) for column in columns)
        lines.append(f"| {_cell(row)} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return _plain(shorten(text, _LONGEST_CELL))


def _plain(text: str) -> str:
    """Give a text without markup and line ends, which would end the row."""
    return " ".join(sanitize(text).translate(_MARKUP).split("\n"))
