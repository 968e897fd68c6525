"""Which checks there are, and which of them a run was asked for."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from harness.check import CheckSpec, Profile, matches_id, plain_id
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


_MOST_SUGGESTED = 3
_MOST_PROBLEMS = 10


def is_selected(spec: CheckSpec, *, only: Sequence[str], profile: Profile) -> bool:
    """Say whether a run with these options includes the check."""
    chosen = not only or matches_id(spec.id, only)
    return chosen and spec.belongs_to(profile)


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
        f"--allow-inconclusive, or [[allow_inconclusive]] in the target file, {check_id}: "
        f"there is no such check{_suggest(check_id, specs)}"
        for check_id in allow
        if not any(matches_id(spec.id, (check_id,)) for spec in specs)
    ]
    if not problems and not collected.selected:
        problems = [f"no check is left to run: {len(specs)} found, none of them selected"]
    if (more := len(problems) - _MOST_PROBLEMS) > 0:
        problems = [*problems[:_MOST_PROBLEMS], f"and {more} more like these"]
    if problems:
        raise Misconfigured("\n".join(problems))


def _pattern_problem(pattern: str, specs: list[CheckSpec], profile: Profile) -> str | None:
    matching = [spec for spec in specs if matches_id(spec.id, (pattern,))]
    if not matching:
        return f"--only {pattern}: no check matches{_suggest(pattern, specs)}"
    if not any(spec.belongs_to(profile) for spec in matching):
        return (
            f"--only {pattern}: belongs to the profile {matching[0].profile}, "
            f"add --profile {matching[0].profile}"
        )
    return None


def _suggest(asked: str, specs: list[CheckSpec]) -> str:
    ids = list(dict.fromkeys(plain_id(spec.id) for spec in specs))
    near = nearest_ids(asked, ids)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"{hint} (`shakedown checks` lists them all)"


def nearest_ids(asked: str, ids: Sequence[str]) -> list[str]:
    """Give ids, or patterns of a family, that may have been meant; none where nothing is near."""
    return _near_families(asked, ids) or _near_ids(asked, ids)


def _near_families(asked: str, ids: Sequence[str]) -> list[str]:
    """Give the pattern of a family for its name, and for a pattern whose family is misspelt."""
    families = sorted({check_id.partition(".")[0] for check_id in ids})
    family, dot, rest = asked.partition(".")
    whole_family = not dot or set(rest) <= set("*")
    near = difflib.get_close_matches(family.strip("*"), families, n=2)
    patterns = [f"{each}.{'*' if whole_family else rest}" for each in near]
    if not whole_family and not set("*?[") & set(rest):
        return []
    return [each for each in patterns if any(fnmatchcase(one, each) for one in ids)]


def _near_ids(asked: str, ids: Sequence[str]) -> list[str]:
    plain = asked.strip("*")
    holding = sorted(one for one in ids if plain and plain in one)
    return difflib.get_close_matches(asked, ids, n=_MOST_SUGGESTED) or holding[:_MOST_SUGGESTED]


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
