"""Reading a protocol file: everything that is wrong with it, at once, with file and line."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.errors import Misconfigured
from harness.explore.protocol import Protocol
from harness.target.lines import KeyLines, KeyPath
from harness.target.validation_messages import describe_error


def load_protocol(path: Path) -> Protocol:
    """Read and check a protocol file.

    Raises `Misconfigured` with every problem of the file, one a line:
    `claims.toml:12: claim.slq: unknown key; expected one of …`.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise Misconfigured(f"cannot read the protocol file {path}: {reason}") from error
    except UnicodeDecodeError as error:
        raise Misconfigured(f"the protocol file {path} is not UTF-8: {error}") from error
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line (\d+)", str(error))
        line = place[1] if place else len(text.splitlines()) or 1
        raise Misconfigured(f"not TOML: {error}", where=f"{path}:{line}") from error
    try:
        protocol = Protocol.model_validate(_with_tuples(raw))
    except ValidationError as invalid:
        found = [describe_error(each, Protocol) for each in invalid.errors(include_url=False)]
        told = [(where, what.replace("the target", "the protocol")) for where, what in found]
        raise _all_of(told, KeyLines(text), path) from invalid
    if unknown := list(protocol.unknown_parameters()):
        raise _all_of(unknown, KeyLines(text), path)
    return protocol


def _with_tuples(value: Any) -> Any:  # noqa: ANN401 - TOML
    if isinstance(value, dict):
        return {key: _with_tuples(each) for key, each in value.items()}
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value


def _all_of(problems: Sequence[tuple[KeyPath, str]], lines: KeyLines, path: Path) -> Misconfigured:
    placed = sorted(
        {(lines.line_of(where), ".".join(map(str, where)), what) for where, what in problems}
    )
    told = [f"{key}: {what}" if key else what for _, key, what in placed]
    further = [
        f"{path}:{line}: {text}" for (line, _, _), text in zip(placed[1:], told[1:], strict=True)
    ]
    return Misconfigured("\n".join([told[0], *further]), where=f"{path}:{placed[0][0]}")
