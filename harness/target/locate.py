"""The files that a target file names: found, and made independent of the current directory."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness.target.target import Target
from harness.target.tokens.token_files import with_files
from harness.target.toml.lines import KeyPath
from harness.target.toml.toml_file import Problem


def locate(target: Target, file: Path, *, is_bundled: bool) -> tuple[Target, list[Problem]]:
    """Give the target with absolute paths, and what was not found."""
    problems: list[Problem] = []

    def find(path: KeyPath, named: str, is_there: Callable[[Path], bool], kind: str) -> str:
        found = next(filter(is_there, _candidates(named, file)), None)
        if found is None:
            what = f"expected {kind} beside the target file or in a package, got {named!r}"
            problems.append((path, f"{what}, which is neither"))
        return str(found or named)

    changed: dict[str, Any] = {}
    if target.directory is not None or not is_bundled:
        directory = (file.parent / (target.directory or ".")).resolve()
        changed["directory"] = str(directory)
        if not directory.is_dir():
            problems.append((("directory",), f"expected a directory, but {directory} is none"))
    openapi = find(("contract", "openapi"), target.contract.openapi, Path.is_file, "a file")
    changed["contract"] = target.contract.model_copy(update={"openapi": openapi})
    if (claim := target.claim) and claim.protocol:
        protocol = find(("claim", "protocol"), claim.protocol, Path.is_file, "a file")
        changed["claim"] = claim.model_copy(update={"protocol": protocol})
    database: dict[str, Any] = {}
    if named := target.database.prelude:
        path = ("database", "prelude")
        database["prelude"] = tuple(find(path, each, Path.is_file, "a file") for each in named)
    if (binaries := target.database.binaries) and not binaries.isdecimal():
        kind = "a release of PostgreSQL such as 17, or a directory"
        database["binaries"] = find(("database", "binaries"), binaries, Path.is_dir, kind)
    changed["database"] = target.database.model_copy(update=database)
    if build := target.build:
        context = find(("build", "context"), build.context, Path.is_dir, "a directory")
        changed["build"] = build.model_copy(update={"context": context})
        if Path(context).is_dir() and not (Path(context) / build.dockerfile).is_file():
            what = f"expected a Dockerfile in {context}, but it has no {build.dockerfile!r}"
            problems.append((("build", "dockerfile"), what))
    changed["tokens"] = with_files(target.tokens, find, problems)
    return target.model_copy(update=changed), problems


def _candidates(named: str, file: Path) -> Iterator[Path]:
    yield (file.parent / named).resolve()
    package, _, rest = named.partition("/")
    # A resource is only located here: the package is not imported.
    spec = find_spec(package) if package.isidentifier() else None
    if spec and spec.origin:
        yield Path(spec.origin).parent / rest
