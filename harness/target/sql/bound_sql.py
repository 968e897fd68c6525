"""SQL of a target file: statements whose placeholders become bound parameters, never text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness.target.values.template import placeholders

_OPAQUE = re.compile(
    r"""
    (?P<quoted>
        (?P<dollar>\$(?:[A-Za-z_]\w*)?\$).*?(?P=dollar)
        | [eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*"
    )
    | (?P<comment>--[^\n]* | /\*.*?\*/)
    """,
    re.DOTALL | re.VERBOSE,
)
_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")


@dataclass(frozen=True, kw_only=True)
class BoundStatement:
    """One statement as psycopg takes it, and what each of its parameters is."""

    sql: str
    """With a parameter of its own (`%(p0)s`) for each place: each gets the type it needs there."""
    names: tuple[str, ...]
    """The placeholder of each parameter, in order."""

    def parameters(self, values: dict[str, str]) -> dict[str, str]:
        """Give the values by parameter."""
        return {f"p{number}": values[name] for number, name in enumerate(self.names)}


@dataclass(frozen=True)
class _Piece:
    text: str
    is_code: bool
    is_quoted: bool = False


def bound_statements(text: str) -> tuple[BoundStatement, ...]:
    """Split a text at each `;` outside quotes and comments, and bind what stands in braces."""
    made: list[BoundStatement] = []
    sql = ""
    names: list[str] = []

    def end() -> None:
        nonlocal sql, names
        if sql.strip():
            made.append(BoundStatement(sql=sql.strip(), names=tuple(names)))
        sql, names = "", []

    for piece in _pieces(text):
        if not piece.is_code:
            # A comment is white space (PostgreSQL, section 4.1.5).
            sql += piece.text.replace("%", "%%") if piece.is_quoted else " "
            continue
        for number, part in enumerate(piece.text.split(";")):
            if number:
                end()
            begun = 0
            for found in _PLACEHOLDER.finditer(part):
                sql += part[begun : found.start()].replace("%", "%%") + f"%(p{len(names)})s"
                names.append(found[1])
                begun = found.end()
            sql += part[begun:].replace("%", "%%")
    end()
    return tuple(made)


def quoted_placeholders(text: str) -> tuple[str, ...]:
    """Give the names of placeholders within quotes, where nothing can be bound."""
    return tuple(
        name for piece in _pieces(text) if piece.is_quoted for name in placeholders(piece.text)
    )


def _pieces(text: str) -> Iterator[_Piece]:
    begun = 0
    for found in _OPAQUE.finditer(text):
        yield _Piece(text[begun : found.start()], is_code=True)
        yield _Piece(found[0], is_code=False, is_quoted=found["quoted"] is not None)
        begun = found.end()
    yield _Piece(text[begun:], is_code=True)
