"""A target or protocol file: read once, its problems reported by line."""

import hashlib
import io
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from harness.errors import Misconfigured
from harness.target.toml.lines import KeyLines, KeyPath
from harness.target.toml.validation_messages import describe_error

Problem = tuple[KeyPath, str]
"""Where something is wrong, and what."""

MAX_BYTES = 1024 * 1024
"""More than anybody writes by hand; what is longer is another file, named by mistake."""

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class TomlFile:
    """The text of a file, and the values in it."""

    shown: str
    """The file, for messages."""
    sha256: str
    """The digest of the bytes that were read."""
    text: str
    values: dict[str, Any]
    """Arrays are tuples."""

    @classmethod
    def read(cls, file: Path, what: str, shown: str | None = None) -> "TomlFile":
        """Read a file; `what` names it in messages, such as `target file`.

        Raises `Misconfigured` if it cannot be read or is not TOML.
        """
        shown = shown or str(file)
        try:
            with file.open("rb") as opened:
                content = opened.read(MAX_BYTES + 1)
            if len(content) > MAX_BYTES:
                raise Misconfigured(
                    f"the {what} {shown} is longer than {MAX_BYTES // 1024} KiB; "
                    "is it the right file?"
                )
            # A byte order mark, which editors of Windows write, is no part of the text.
            text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig").read()
        except OSError as error:
            reason = error.strerror or str(error)
            raise Misconfigured(f"cannot read the {what} {shown}: {reason}") from error
        except UnicodeDecodeError as error:
            raise Misconfigured(f"the {what} {shown} is not UTF-8: {error}") from error
        try:
            values = _with_tuples(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            message, _, place = str(error).partition(" (at line ")
            found = re.match(r"(\d+), column (\d+)", place)
            line = found[1] if found else len(text.splitlines()) or 1
            column = f" (column {found[2]})" if found else place and f" ({place}"
            raise Misconfigured(f"not TOML: {message}{column}", where=f"{shown}:{line}") from error
        digest = hashlib.sha256(content).hexdigest()
        return cls(shown=shown, sha256=digest, text=text, values=values)

    def misconfigured(self, problems: Iterable[Problem]) -> Misconfigured:
        """Give an error with all problems, one a line, in the order of the file."""
        lines = KeyLines(self.text)
        placed = sorted(
            {(lines.line_of(path), ".".join(map(str, path)), w) for path, w in problems}
        )
        reports = [
            (f"{self.shown}:{line}", f"{key}: {what}" if key else what)
            for line, key, what in placed
        ]
        (where, first), *others = reports
        return Misconfigured("\n".join([first, *map(": ".join, others)]), where=where)


def validate(model: type[M], values: dict[str, Any]) -> tuple[M | None, list[Problem]]:
    """Build a model, or give all that is wrong with its values."""
    try:
        return model.model_validate(values), []
    except ValidationError as error:
        return None, [describe_error(each, model) for each in error.errors(include_url=False)]


def _with_tuples(value: Any) -> Any:  # noqa: ANN401 - TOML
    if isinstance(value, dict):
        return {key: _with_tuples(each) for key, each in value.items()}
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value
