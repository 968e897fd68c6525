"""Reading a protocol file: everything that is wrong with it, at once, with file and line."""

from pathlib import Path

from harness.explore.protocol.protocol import Protocol
from harness.target.toml.toml_file import TomlFile, validate


def load_protocol(path: Path) -> Protocol:
    """Read and check a protocol file.

    Raises `Misconfigured` with every problem of the file, one a line:
    `claims.toml:12: claim.slq: unknown key; expected one of …`.
    """
    toml = TomlFile.read(path, "protocol file")
    protocol, problems = validate(Protocol, toml.values)
    if protocol is None:
        raise toml.misconfigured(problems)
    if wrong := [*protocol.unknown_parameters(), *protocol.contradictions()]:
        raise toml.misconfigured(wrong)
    return protocol
