"""Which checks there are, and which of them a run was asked for."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from harness.check import CheckSpec, Profile, matches_id
from harness.errors import Misconfigured


@dataclass(frozen=True, kw_only=True)
class CollectedChecks:
    """What pytest found in the check files. Keys are pytest's node ids."""

    known: Mapping[str, CheckSpec]
    """Every check that was found."""
    selected: Mapping[str, CheckSpec]
    """Those that will run, in order."""
    problems: tuple[str, ...] = ()
    """Files that could not be imported, and functions that are not declared as checks."""
    pid: int = 0
    """The process that collected them."""


def is_selected(spec: CheckSpec, *, only: Sequence[str], profile: Profile) -> bool:
    """Say whether a run with these options includes the check."""
    chosen = not only or any(_matches(spec.id, pattern) for pattern in only)
    return chosen and spec.belongs_to(profile)


def _matches(check_id: str, pattern: str) -> bool:
    # A parametrised check is `family.name[parameter]`: its plain id stands for all of them, and
    # the brackets of a full one are not a character class.
    return check_id == pattern or fnmatchcase(check_id.partition("[")[0], pattern)


def refuse_bad_selection(
    collected: CollectedChecks, *, only: Sequence[str], allow: Sequence[str], profile: Profile
) -> None:
    """Refuse unreadable files, a pattern or id that matches nothing, and a run of no checks.

    Raises `Misconfigured`: a run must not silently test less than it was asked to.
    """
    if collected.problems:
        raise Misconfigured("\n".join(collected.problems))
    _refuse_duplicates(collected.known)
    specs = list(collected.known.values())
    problems = [
        problem for pattern in only if (problem := _pattern_problem(pattern, specs, profile))
    ]
    problems += [
        f"--allow-inconclusive {check_id}: there is no such check{_suggest(check_id, specs)}"
        for check_id in allow
        if not any(matches_id(spec.id, (check_id,)) for spec in specs)
    ]
    if not problems and not collected.selected:
        problems = [f"no check is left to run: {len(specs)} found, none of them selected"]
    if problems:
        raise Misconfigured("\n".join(problems))


def _pattern_problem(pattern: str, specs: list[CheckSpec], profile: Profile) -> str | None:
    matching = [spec for spec in specs if _matches(spec.id, pattern)]
    if not matching:
        return f"--only {pattern}: no check matches{_suggest(pattern, specs)}"
    if not any(spec.belongs_to(profile) for spec in matching):
        return (
            f"--only {pattern}: belongs to the profile {matching[0].profile}, "
            f"add --profile {matching[0].profile}"
        )
    return None


def _suggest(asked: str, specs: list[CheckSpec]) -> str:
    ids = [spec.id for spec in specs]
    near = difflib.get_close_matches(asked, ids, n=3) or sorted({i for i in ids if asked in i})[:3]
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"{hint} (`shakedown checks` lists them all)"


def _refuse_duplicates(specs: Mapping[str, CheckSpec]) -> None:
    # One of the two would be lost in every report.
    places: dict[str, str] = {}
    for node, spec in specs.items():
        if spec.id in places:
            raise Misconfigured(
                f"two checks have the id {spec.id!r}: {places[spec.id]} and {node}; "
                "an id must be unique"
            )
        places[spec.id] = node


def with_parameter(spec: CheckSpec, parameter: str | None) -> CheckSpec:
    """Give the declaration of one case of a parametrised check."""
    return replace(spec, id=f"{spec.id}[{parameter}]") if parameter else spec
