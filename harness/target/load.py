"""Reading a target file: everything that is wrong with it, at once, with file and line."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.errors import Misconfigured
from harness.target.chaos_rules import broken_chaos_rules
from harness.target.dialect_rules import broken_dialect_rules
from harness.target.lines import KeyPath
from harness.target.rules import broken_rules
from harness.target.target import Origin, Target
from harness.target.template import fill, read_variable, variables
from harness.target.token_calls_rules import broken_calls_rules
from harness.target.toml_file import TomlFile
from harness.target.validation_messages import describe_error

DEFAULT_TARGET = Path(__file__).parent / "default.toml"

_FILLED_LATER = frozenset({"command", "list_command", "environment"})
"""Keys whose `{env:NAME}` stays until the moment something is started with it."""

_WRITTEN_DOWN = frozenset({"chaos", "cleanup"})
"""Tables that say what may be done to a backend that is not ours."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong with a target file."""

    path: KeyPath
    what: str


def load_target(path: Path | None = None, *, allow_faults: bool = False) -> Target:
    """Read and check a target file; None stands for the bundled one, the reference backend.

    The file is read once; the target remembers the digest of what was read. `allow_faults` is
    the other half of the permission to harm a backend that is not ours.

    Raises `Misconfigured` with every problem of the file, one a line:
    `shakedown.toml:12: api.instnaces: unknown key; expected one of …`.
    """
    file = (path or DEFAULT_TARGET).absolute()
    shown = str(path or DEFAULT_TARGET.name)
    toml = TomlFile.read(file, "target file", shown)
    problems: list[Problem] = []
    prepared = _resolve(toml.tables, (), problems)
    _absolute_paths(prepared, file, problems, bundled=path is None)
    target = _validate(prepared, problems)
    if problems:
        # The contradictions too: look at what is left without the values that are wrong.
        left = _without(prepared, {problem.path for problem in problems})
        target = _validate(left, [])
    if target is not None:
        bad = {problem.path for problem in problems}
        for where, what in _contradictions(target):
            if not any(where[: len(path)] == path for path in bad):
                problems.append(Problem(path=where, what=what))
    if problems or target is None:
        raise toml.misconfigured((each.path, each.what) for each in problems)
    given = None if path is None else file
    sha256 = hashlib.sha256(toml.content).hexdigest()
    return target.loaded_from(Origin(file=given, sha256=sha256, allow_faults=allow_faults))


def _contradictions(target: Target) -> Iterator[tuple[KeyPath, str]]:
    yield from broken_rules(target)
    yield from broken_calls_rules(target)
    yield from broken_chaos_rules(target)
    yield from broken_dialect_rules(target)


def _validate(raw: dict[str, Any], problems: list[Problem]) -> Target | None:
    """Build the target, or add to the problems; each place is reported once."""
    try:
        return Target.model_validate(raw)
    except ValidationError as error:
        reported = {problem.path for problem in problems}
        for details in error.errors(include_url=False):
            path, what = describe_error(details, Target)
            if path not in reported:
                problems.append(Problem(path=path, what=what))
    return None


def _without(raw: dict[str, Any], paths: set[KeyPath], here: KeyPath = ()) -> dict[str, Any]:
    """Copy tables without the keys at the given paths."""
    return {
        key: _without(value, paths, (*here, key)) if isinstance(value, dict) else value
        for key, value in raw.items()
        if (*here, key) not in paths
    }


def _resolve(value: Any, path: KeyPath, problems: list[Problem]) -> Any:  # noqa: ANN401 - TOML
    """Fill in `{env:NAME}` where it is wanted now, and turn arrays into tuples."""
    if isinstance(value, dict):
        return {key: _resolve(each, (*path, key), problems) for key, each in value.items()}
    if isinstance(value, list):
        return tuple(_resolve(each, (*path, n), problems) for n, each in enumerate(value))
    if not isinstance(value, str):
        return value
    wanted = variables(value)
    if wanted and path[0] in _WRITTEN_DOWN:
        what = "what may be done to a backend is written down, never read from the environment"
        problems.append(Problem(path=path, what=what))
        return value
    for name in wanted:
        try:
            read_variable(name)
        except Misconfigured as error:
            problems.append(Problem(path=path, what=error.what))
            return value
    if wanted and not _FILLED_LATER.intersection(path):
        return fill(value, _Untouched())
    return value


class _Untouched(dict[str, str]):
    """Gives every placeholder back as it was: these are somebody else's to fill in."""

    def __missing__(self, name: str) -> str:
        return "{" + name + "}"


def _absolute_paths(
    raw: dict[str, Any], file: Path, problems: list[Problem], *, bundled: bool
) -> None:
    """Make the paths within the file independent of where the harness is called from."""
    directory = raw.get("directory", None if bundled else ".")
    if isinstance(directory, str):
        absolute = (file.parent / directory).resolve()
        raw["directory"] = str(absolute)
        if not absolute.is_dir():
            problems.append(
                Problem(path=("directory",), what=f"expected a directory, but {absolute} is none")
            )
    raw.setdefault("contract", {})
    _absolute_file(raw, ("contract", "openapi"), file, problems, "contracts/openapi.yaml")
    _absolute_file(raw, ("claim", "protocol"), file, problems)
    _absolute_context(raw, file, problems)


def _absolute_file(
    raw: dict[str, Any],
    path: tuple[str, str],
    file: Path,
    problems: list[Problem],
    default: str | None = None,
) -> None:
    """Find the file that a key names, or note that there is none."""
    table = raw.get(path[0])
    named = table.get(path[1], default) if isinstance(table, dict) else None
    if not isinstance(table, dict) or not isinstance(named, str):
        return
    found = next(filter(Path.is_file, _candidates(named, file)), None)
    if found is None:
        what = f"expected a file beside the target file or within a package; {named!r} is neither"
        problems.append(Problem(path=path, what=what))
    else:
        table[path[1]] = str(found)


def _absolute_context(raw: dict[str, Any], file: Path, problems: list[Problem]) -> None:
    """Find the directory that goes into a build, and see that its Dockerfile is there."""
    table = raw.get("build")
    named = table.get("context", ".") if isinstance(table, dict) else None
    if not isinstance(table, dict) or not isinstance(named, str):
        return
    found = next(filter(Path.is_dir, _candidates(named, file)), None)
    if found is None:
        what = f"expected a directory beside the target file or a package; {named!r} is neither"
        problems.append(Problem(path=("build", "context"), what=what))
        return
    table["context"] = str(found)
    dockerfile = table.get("dockerfile", "Dockerfile")
    if isinstance(dockerfile, str) and not (found / dockerfile).is_file():
        what = f"expected a Dockerfile within {found}, but there is no {dockerfile!r}"
        key = ("build", "dockerfile") if "dockerfile" in table else ("build",)
        problems.append(Problem(path=key, what=what))


def _candidates(named: str, file: Path) -> Iterator[Path]:
    yield (file.parent / named).resolve()
    package, _, rest = named.partition("/")
    # A resource is only located here; importing the package is none of our business.
    spec = find_spec(package) if package.isidentifier() else None
    if spec and spec.origin:
        yield Path(spec.origin).parent / rest
