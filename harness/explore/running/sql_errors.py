"""What the server says about an error, as psql shows it: the line, detail, hint and context."""

from collections.abc import Callable, Iterator

from psycopg import pq
from psycopg.pq import DiagnosticField as Field

from harness.explore.trace import SqlError

OPENING = "BEGIN;\n"
"""What a step that is left open begins with; no line of the user's SQL."""

_LINE_WIDTH = 100
_MOST_CHARACTERS = 600
"""Of a detail, hint or context, each of which may repeat a whole row."""


def sql_error(result: "pq.abc.PGresult", sql: str) -> SqlError:
    """Read a failed result of this text of statements."""

    def text_of(name: Field) -> str:
        return (result.error_field(name) or b"").decode(errors="replace")

    return SqlError(
        sqlstate=text_of(Field.SQLSTATE),
        message=text_of(Field.MESSAGE_PRIMARY),
        within=text_of(Field.CONTEXT),
        more=tuple(_more(text_of, sql)),
    )


def _more(text_of: Callable[[Field], str], sql: str) -> Iterator[str]:
    inner = text_of(Field.INTERNAL_QUERY)
    position = text_of(Field.INTERNAL_POSITION if inner else Field.STATEMENT_POSITION)
    if position:
        opening = 0 if inner or not sql.startswith(OPENING) else len(OPENING)
        yield from line_of((inner or sql)[opening:], int(position) - opening)
    for label, name in (
        ("DETAIL", Field.MESSAGE_DETAIL),
        ("HINT", Field.MESSAGE_HINT),
        ("CONTEXT", Field.CONTEXT),
    ):
        if text := text_of(name):
            cut = text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + " …"
            yield from f"{label}: {cut}".splitlines()


def line_of(sql: str, position: int) -> tuple[str, str]:
    """Give the line with this character (from 1) of a text, and a caret below the character."""
    before = sql[: position - 1]
    number, start = before.count("\n") + 1, before.rfind("\n") + 1
    line = sql[start:].split("\n", 1)[0].expandtabs(1).rstrip("\r")
    column = len(before) - start
    cut = max(0, column - _LINE_WIDTH * 2 // 3)
    shown = ("…" if cut else "") + line[cut : cut + _LINE_WIDTH]
    if len(line) > cut + _LINE_WIDTH:
        shown += "…"
    label = f"LINE {number}: "
    return label + shown, " " * (len(label) + column - cut + bool(cut)) + "^"
