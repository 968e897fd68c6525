"""Reading a protocol file: everything that is wrong with it, at once, with file and line."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.explore.protocol import Protocol
from harness.target.toml_file import TomlFile
from harness.target.validation_messages import describe_error


def load_protocol(path: Path) -> Protocol:
    """Read and check a protocol file.

    Raises `Misconfigured` with every problem of the file, one a line:
    `claims.toml:12: claim.slq: unknown key; expected one of …`.
    """
    file = TomlFile.read(path, "protocol file")
    try:
        protocol = Protocol.model_validate(_with_tuples(file.tables))
    except ValidationError as invalid:
        found = [describe_error(each, Protocol) for each in invalid.errors(include_url=False)]
        raise file.misconfigured(
            (where, what.replace("the target", "the protocol")) for where, what in found
        ) from invalid
    if unknown := list(protocol.unknown_parameters()):
        raise file.misconfigured(unknown)
    return protocol


def _with_tuples(value: Any) -> Any:  # noqa: ANN401 - TOML
    if isinstance(value, dict):
        return {key: _with_tuples(each) for key, each in value.items()}
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value
