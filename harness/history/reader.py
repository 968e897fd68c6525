"""Reads a history: all of it once, or what is new in it again and again."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from harness.history.entries import SCHEMA, AnyEntry, Operation, Writer

_decode = msgspec.json.Decoder(AnyEntry).decode
_SHOWN = 120
LONGEST_BYTES = 64 * 1024 * 1024
"""Of a line: a history has none that is as long, and what is read is held in memory."""


class DamagedHistory(ValueError):
    """A line that is no entry, with file, line and reason."""


class ForeignHistory(DamagedHistory):
    """A file that is no history of this form: another program's, or another version's."""


class HistoryReader:
    """Reads a file that is still written to; every line is parsed once.

    A last line without its end is being written, or was left by a killed writer: it is read once
    it is whole. Raises `DamagedHistory` for any other line that is no entry, and `ForeignHistory`
    where none of the lines so far is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = 0
        """Whole lines that were read."""
        self._at = 0
        self._rest = b""

    @property
    def is_cut(self) -> bool:
        """Whether the last line had no end when it was read."""
        return bool(self._rest)

    def new(self) -> Iterator[AnyEntry]:
        """Give the entries that were appended since the last time, one by one; none of no file."""
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return
        with file:
            file.seek(self._at)
            while line := file.readline(LONGEST_BYTES):
                if not line.endswith(b"\n"):
                    if len(line) == LONGEST_BYTES:
                        raise self._too_long()
                    self._rest = line
                    return
                self._at += len(line)
                self.lines += 1
                try:
                    yield _decode(line)
                except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                    raise self._damaged(line, error) from error
        self._rest = b""

    def _too_long(self) -> DamagedHistory:
        return (DamagedHistory if self.lines else ForeignHistory)(
            f"{self.path}:{self.lines + 1}: expected a history entry in a line, got more than "
            f"{LONGEST_BYTES} bytes without its end"
        )

    def _damaged(self, line: bytes, error: Exception) -> DamagedHistory:
        is_first = self.lines == 1
        return (ForeignHistory if is_first else DamagedHistory)(
            f"{self.path}:{self.lines}: expected a history entry as a JSON object, "
            f"got {line[:_SHOWN]!r}: {error}"
        )


def read_whole_history(path: Path) -> Iterator[AnyEntry]:
    """Give the entries of a history one by one, without holding them all.

    Raises `DamagedHistory` as `HistoryReader` does, `ForeignHistory` also where the first line
    does not say its schema, or another one, and `OSError`.
    """
    with path.open("rb"):
        pass
    yield from checked(HistoryReader(path))


def checked(reader: HistoryReader) -> Iterator[AnyEntry]:
    """Give what is new, if every writer says that it writes this form."""
    is_known = reader.lines > 0
    for entry in reader.new():
        if type(entry) is Writer:
            if entry.schema != SCHEMA:
                raise ForeignHistory(
                    f"{reader.path}:{reader.lines}: expected schema {SCHEMA}, got {entry.schema}"
                )
            is_known = True
        elif not is_known:
            raise ForeignHistory(
                f"{reader.path}:1: expected a history whose first line says its schema, "
                f"got a line of kind {type(entry).__name__.lower()!r}"
            )
        yield entry


def read_history(path: Path) -> Iterator[Operation]:
    """Give the operations of a history, without all else that was seen; raises the same."""
    return (entry for entry in read_whole_history(path) if type(entry) is Operation)
