"""The command line that runs one check again: it can be pasted into any folder's shell."""

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness.redaction.secret_encodings import passwords_of
from harness.target import Target

_SHORTEST_HIDDEN = 6
"""Of a secret within a longer value; by chance a shorter one is a part of many words."""


def variables_that_matter(
    target: Target,
    *,
    but: Sequence[str] = (),
    secret: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """Give the shell's words that set what a run of this target read from its environment.

    Those are the variables that the target file names, and the one that switches a defect of its
    zoo on. A secret stands there by its name only: `TOKEN="$TOKEN"`. `but` are set by an option
    of the command line; `secret` are further ones that the run was given.
    """
    there = os.environ if environment is None else environment
    names = [*target.origin.variables, *([target.zoo.variable] if target.zoo else [])]
    words = [
        _assignment(name, there[name], target)
        for name in dict.fromkeys(names)
        if there.get(name) and name not in but
    ]
    return (*words, *map(_by_name, secret))


def _assignment(name: str, value: str, target: Target) -> str:
    hidden = value in target.secrets or any(
        len(secret) >= _SHORTEST_HIDDEN and secret in value for secret in target.secrets
    )
    if hidden or any(passwords_of(value)):
        return _by_name(name)
    return f"{name}={shlex.quote(value)}"


def _by_name(name: str) -> str:
    return f'{name}="${name}"'


def paths_from_anywhere(folders: Sequence[str], *, built_in: bool) -> Iterator[str]:
    """Give folders of checks, perhaps with `::` and a test's name, by their absolute paths.

    Without any, and without the built-in checks, the current folder is the one.
    """
    for folder in folders or ([] if built_in else ["."]):
        path, colons, name = folder.partition("::")
        yield f"{Path(path).absolute()}{colons}{name}"
