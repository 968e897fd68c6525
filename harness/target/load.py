"""Reading a target file: everything that is wrong with it, at once, with file and line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.errors import Misconfigured
from harness.target.environment import ENVIRONMENT_TARGETS, VARIABLES, about_variables
from harness.target.locate import locate
from harness.target.origin import Origin
from harness.target.rules.catalog_rules import broken_catalog_rules
from harness.target.rules.chaos_rules import broken_chaos_rules
from harness.target.rules.constants_rules import broken_constants_rules
from harness.target.rules.dialect_rules import broken_dialect_rules
from harness.target.rules.ledger_rules import broken_ledger_rules
from harness.target.rules.minting_rules import broken_minting_rules
from harness.target.rules.redirect_rules import broken_redirect_rules
from harness.target.rules.rules import broken_rules
from harness.target.rules.token_calls_rules import broken_calls_rules
from harness.target.rules.token_tenants_rules import broken_tenants_rules
from harness.target.target import Target
from harness.target.toml.lines import KeyPath
from harness.target.toml.remainder import Remainder, remaining
from harness.target.toml.toml_file import Problem, TomlFile, validate
from harness.target.values.template import fill, is_left_out, variables

DEFAULT_TARGET = Path(__file__).parent / "default.toml"

_FILLED_LATER = frozenset({"command", "list_command", "environment"})
"""Keys whose `{env:NAME}` is filled in when something is started."""

_NOT_FROM_THE_ENVIRONMENT = frozenset({"chaos", "cleanup"})
"""Tables that permit something on a backend that is not ours."""

_RULES = (
    broken_rules,
    broken_minting_rules,
    broken_calls_rules,
    broken_catalog_rules,
    broken_tenants_rules,
    broken_chaos_rules,
    broken_dialect_rules,
    broken_constants_rules,
    broken_ledger_rules,
    broken_redirect_rules,
)


def load_target(path: Path | None = None, *, allow_faults: bool = False) -> Target:
    """Read and check a target file; None stands for the bundled one, the reference backend.

    The file is read once; the target remembers the digest of what was read. `allow_faults` is
    the other half of the permission to harm a backend that is not ours.

    Raises `Misconfigured` with every problem of the file, one a line:
    `shakedown.toml:12: api.instnaces: unknown key; expected one of …`.
    """
    file = (path or DEFAULT_TARGET).absolute()
    toml = TomlFile.read(file, "target file", str(path or DEFAULT_TARGET.name))
    problems: list[Problem] = []
    values = _fill_in_variables(toml.values, (), problems)
    bad = {where for where, _ in problems}
    target, found = validate(Target, values)
    problems += [(where, what) for where, what in found if where not in bad]
    bad = {where for where, _ in problems}
    # The contradictions too: looked for in what is left without the values that are wrong.
    rest = Remainder.of(values, bad)
    if bad:
        target, rest = remaining(Target, values, bad)
    if target is not None:
        target, contradictions = locate(target, file, is_bundled=path is None)
        for rules in _RULES:
            contradictions += rules(target)
        placed = [(rest.in_file(where), what) for where, what in contradictions]
        problems += [(where, what) for where, what in placed if not rest.decides(where)]
    if problems and path in ENVIRONMENT_TARGETS and all(w in VARIABLES for w, _ in problems):
        raise Misconfigured(about_variables(problems))
    if problems or target is None:
        raise toml.misconfigured(problems)
    origin = Origin(
        file=path and file,
        sha256=toml.sha256,
        allow_faults=allow_faults,
        variables=tuple(dict.fromkeys(_variables_in(toml.values))),
    )
    return target.loaded_from(origin)


def _fill_in_variables(value: Any, path: KeyPath, problems: list[Problem]) -> Any:  # noqa: ANN401
    """Fill in `{env:NAME}`, except in what is filled in when something is started."""
    if isinstance(value, dict):
        there = {k: each for k, each in value.items() if not is_left_out(each)}
        return {k: _fill_in_variables(each, (*path, k), problems) for k, each in there.items()}
    if isinstance(value, tuple):
        return tuple(_fill_in_variables(v, (*path, n), problems) for n, v in enumerate(value))
    names = variables(value) if isinstance(value, str) else ()
    if not names:
        return value
    if path[0] in _NOT_FROM_THE_ENVIRONMENT:
        what = "expected the text itself: a permission is never read from the environment"
        problems.append((path, what))
        return value
    if path[:3] == ("tokens", "tenants", "sql"):
        what = "expected the SQL itself: {env:NAME} would be pasted into it"
        problems.append((path, what))
        return value
    try:
        filled = fill(value, _Untouched())
    except Misconfigured as error:
        problems.append((path, error.what))
        return value
    return value if _FILLED_LATER.intersection(path) else filled


def _variables_in(value: Any) -> Iterator[str]:  # noqa: ANN401
    """Give the names of the environment variables that a table mentions, in its order."""
    if isinstance(value, str):
        yield from variables(value)
    elif isinstance(value, dict | tuple | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _variables_in(each)


class _Untouched(dict[str, str]):
    """Gives every placeholder back as it was: they are filled in later."""

    def __missing__(self, name: str) -> str:
        return "{" + name + "}"
