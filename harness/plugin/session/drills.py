"""Drills: the checks of the family `chaos`, and which of them a command line names."""

from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

from harness.check import PROFILES, CheckSpec, Profile, matches_id
from harness.errors import Misconfigured
from harness.plugin.collecting.selection import nearest_ids
from harness.plugin.session.listing import find_checks

FAMILY = "chaos"
_PREFIX = f"{FAMILY}."


def find_drills(folders: Sequence[str]) -> list[CheckSpec]:
    """Give the drills that come with Shakedown, and those in `folders`, of any profile, by id.

    Raises `Misconfigured` when a file cannot be read or two checks have one id.
    """
    return [spec for spec, _ in drill_files(folders)]


def drill_files(folders: Sequence[str]) -> list[tuple[CheckSpec, Path]]:
    """Give the same drills, each with the file that it is in. Raises as `find_drills` does."""
    package = find_spec(FAMILY)
    built_in = (package.submodule_search_locations if package else None) or []
    found = find_checks((*built_in, *folders), built_in=False).known
    drills = [
        (spec, Path(node.partition("::")[0]).resolve())
        for node, spec in found.items()
        if spec.family == FAMILY
    ]
    return sorted(drills, key=lambda drill: drill[0].id)


def patterns_of(names: Iterable[str], drills: Sequence[CheckSpec]) -> tuple[str, ...]:
    """Give the patterns over check ids that names of drills stand for: `worker-kill`, `*-kill`.

    Raises `Misconfigured`, with what may have been meant, for a name that no drill has.
    """
    plain = [name.removeprefix(_PREFIX) for name in names]
    patterns = tuple(f"{_PREFIX}{name}" for name in plain)
    known = [spec.id.removeprefix(_PREFIX) for spec in drills]
    problems = [
        _unknown(name, known)
        for name, pattern in zip(plain, patterns, strict=True)
        if not any(matches_id(spec.id, (pattern,)) for spec in drills)
    ]
    if problems:
        raise Misconfigured("\n".join(problems))
    return patterns


def _unknown(name: str, known: Sequence[str]) -> str:
    near = nearest_ids(name, known)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"there is no drill {name}{hint} (`shakedown drill --list` lists them all)"


def shortest_profile(drills: Iterable[CheckSpec]) -> Profile:
    """Give the shortest profile that holds all of them."""
    return max((spec.profile for spec in drills), key=PROFILES.index, default=PROFILES[0])
