"""One TOML file: its tables, and every problem in it at once, with file and line."""

import io
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from harness.errors import Misconfigured
from harness.target.lines import KeyLines, KeyPath

_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")


@dataclass(frozen=True, kw_only=True)
class TomlFile:
    """A file as it was read."""

    shown: str
    """The path as the user wrote it."""
    content: bytes
    text: str
    tables: dict[str, Any]

    @classmethod
    def read(cls, file: Path, what: str, shown: str | None = None) -> Self:
        """Read a file once. `what` names it in messages; raises `Misconfigured`."""
        shown = shown or str(file)
        text = ""
        try:
            content = file.read_bytes()
            text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8").read()
            return cls(shown=shown, content=content, text=text, tables=tomllib.loads(text))
        except OSError as error:
            reason = error.strerror or str(error)
            raise Misconfigured(f"cannot read the {what} {shown}: {reason}") from error
        except UnicodeDecodeError as error:
            raise Misconfigured(f"the {what} {shown} is not UTF-8: {error}") from error
        except tomllib.TOMLDecodeError as error:
            message = str(error)
            line = str(len(text.splitlines()) or 1)
            if place := _PLACE.search(message):
                message, line = f"{message[: place.start()]} (column {place[2]})", place[1]
            raise Misconfigured(f"not TOML: {message}", where=f"{shown}:{line}") from error

    def misconfigured(self, problems: Iterable[tuple[KeyPath, str]]) -> Misconfigured:
        """All problems of the file as one error, in the order of its lines."""
        lines = KeyLines(self.text)
        placed = sorted(
            {(lines.line_of(key), ".".join(map(str, key)), what) for key, what in problems}
        )
        messages = [
            (f"{self.shown}:{line}", f"{key}: {what}" if key else what)
            for line, key, what in placed
        ]
        (where, first), *others = messages
        rest = [f"{place}: {message}" for place, message in others]
        return Misconfigured("\n".join([first, *rest]), where=where)
