"""SQL text, cut into its statements as psql cuts it, each with the line it begins on."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness.errors import Misconfigured

_TOKEN = re.compile(
    r"""
      (?P<blank>\s+|--[^\n]*)
    | (?P<comment>/\*)
    | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
    | (?P<string>[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*")
    | (?P<name>[^\W\d][\w$]*)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_MAKES_ROUTINE = re.compile(r"create (?:or replace )?(?:function|procedure)\b")


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of a file, without what stands before it."""

    text: str
    line: int

    def line_at(self, position: int | None) -> int:
        """Give the line of a character, counted from 1 as PostgreSQL counts; None: the first."""
        return self.line + self.text[: (position or 1) - 1].count("\n")


def statements(text: str, shown: str) -> Iterator[Statement]:
    """Cut a text at its semicolons: not at those in quotes, comments, parentheses or bodies.

    Raises `Misconfigured`, with `shown` and a line, for quotes and comments that never end, and
    for psql's own commands, which only psql understands.
    """
    cutter = _Cutter()
    place, start = 0, -1
    while place < len(text):
        found = _TOKEN.match(text, place)
        assert found is not None
        kind, word, begin = found.lastgroup, found[0], place
        place = found.end()
        if kind == "comment":
            place = _end_of_comment(text, begin, shown)
        elif kind == "dollar":
            place = text.find(word, place) + len(word)
            if place < found.end():
                raise _never_ends(text, begin, shown, f"the text in {word}")
        elif kind == "other" and word in "'\"":
            raise _never_ends(text, begin, shown, f"the text in {word}")
        elif kind == "other" and word == "\\":
            command = text[begin:].split(maxsplit=1)[0]
            what = f"expected SQL, got psql's own command {command}; take it out"
            raise Misconfigured(what, where=f"{shown}:{_line(text, begin)}")
        if kind in {"blank", "comment"}:
            continue
        if start < 0 and word != ";":
            start = begin
        if cutter.ends_with(word, kind or "") and start >= 0:
            yield Statement(text=text[start:begin], line=_line(text, start))
            start = -1
    if start >= 0:
        yield Statement(text=text[start:].rstrip(), line=_line(text, start))


class _Cutter:
    """Says at which semicolon a statement ends: it counts what is still open, as psql does."""

    def __init__(self) -> None:
        self._parentheses = 0
        self._blocks = 0
        self._first_words: list[str] = []

    def ends_with(self, word: str, kind: str) -> bool:
        if kind == "name":
            self._read(word.lower())
        elif word == "(":
            self._parentheses += 1
        elif word == ")":
            self._parentheses = max(0, self._parentheses - 1)
        elif word == ";" and not self._parentheses and not self._blocks:
            self._first_words.clear()
            return True
        return False

    def _read(self, word: str) -> None:
        """Follow `BEGIN ATOMIC … END`, the body of a function that is not in quotes."""
        if len(self._first_words) < 4:
            self._first_words.append(word)
        if not _MAKES_ROUTINE.match(" ".join(self._first_words)):
            return
        if word == "begin" or (word == "case" and self._blocks):
            self._blocks += 1
        elif word == "end" and self._blocks:
            self._blocks -= 1


def _end_of_comment(text: str, begin: int, shown: str) -> int:
    """Comments in comments count: PostgreSQL nests them."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, begin):
        depth += 1 if edge[0] == "/*" else -1
        if not depth:
            return edge.end()
    raise _never_ends(text, begin, shown, "the comment")


def _never_ends(text: str, begin: int, shown: str, what: str) -> Misconfigured:
    where = f"{shown}:{_line(text, begin)}"
    return Misconfigured(f"{what} that begins here has no end", where=where)


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1
