"""Evidence: what shows that a finding is true, as a value that every report shows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

EvidenceKind = Literal["exchange", "bytes", "query", "transitions", "log"]
"""Request and answer · raw bytes · a query and its rows · states in order · lines of a log."""

MOST_ROWS = 20
"""Rows of a query that are shown."""

MOST_STEPS = 60
"""Steps, or lines of a log, that are shown."""

MOST_CHARACTERS = 400
"""Of one value, or one step."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What shows that a finding is true, bounded and without secrets."""

    kind: EvidenceKind
    title: str
    """One line: what it is."""
    text: str
    """For an exchange the `curl` command that sends the request again, then the answer."""
    files: tuple[str, ...] = ()
    """Files of the report that belong to it: long bodies, raw bytes."""


def query_evidence(
    title: str, query: str, rows: Iterable[Mapping[str, object]] = (), *, total: int | None = None
) -> Evidence:
    """Show an SQL statement, and what it gave: the first rows, a line each.

    `total` is the number of rows, where not all of them are handed over.
    """
    shown = list(islice(rows, MOST_ROWS + 1))
    lines = [", ".join(f"{name}: {_value(each)}" for name, each in row.items()) for row in shown]
    counted = len(shown) if total is None else total
    if counted > MOST_ROWS:
        more = f"… {counted} rows" if total is not None else "… and more rows"
        lines = [*lines[:MOST_ROWS], more]
    return Evidence(kind="query", title=title, text="\n\n".join([query, "\n".join(lines)]).strip())


def transitions_evidence(title: str, steps: Sequence[str]) -> Evidence:
    """Show what happened in order, a line for each step."""
    lines = [_cut(step) for step in steps[:MOST_STEPS]]
    if len(steps) > MOST_STEPS:
        lines.append(f"… {len(steps)} steps")
    return Evidence(kind="transitions", title=title, text="\n".join(lines))


def log_evidence(title: str, lines: Sequence[str]) -> Evidence:
    """Show lines of a log, in order."""
    return Evidence(kind="log", title=title, text="\n".join(_cut(line) for line in lines))


def _value(value: object) -> str:
    return "NULL" if value is None else _cut(str(value).replace("\n", " "))


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"
