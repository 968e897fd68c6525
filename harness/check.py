"""`@check`: how one line of the production checklist becomes a test that the gate runs.

A check is an async function in a file named `check_*.py`; its own name begins with `check_`.
"""

import inspect
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, TypeVar, get_args

from harness.errors import Misconfigured
from harness.target.capability import Capability

Profile = Literal["quick", "full", "soak"]
"""How long a run may take. Each profile holds the checks of the ones before it."""

PROFILES: tuple[Profile, ...] = get_args(Profile)

_ID = re.compile(r"[a-z][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+")
_ATTRIBUTE = "__shakedown_check__"

Function = TypeVar("Function", bound=Callable[..., object])


def plain_id(check_id: str) -> str:
    """Give a check's id without its parameter: `claim.x` for `claim.x[1]`."""
    return check_id.partition("[")[0]


def matches_id(check_id: str, ids: Collection[str]) -> bool:
    """Say whether one of the ids, or patterns such as `claim.*`, means this check.

    A plain id stands for all of its parameters; the brackets of a full one are no character class.
    """
    plain = plain_id(check_id)
    return check_id in ids or any(fnmatchcase(plain, pattern) for pattern in ids)


@dataclass(frozen=True, kw_only=True)
class CheckSpec:
    """What is known about a check before it runs."""

    id: str
    """`family.name`: stable, what `--only` and `--allow-inconclusive` take."""
    title: str
    """What holds when the check passes, in a few words: at most 50 characters fit everywhere."""
    checklist: str
    """The line of the production checklist that this check answers."""
    observes: int
    """How many observations a pass needs; fewer are inconclusive."""
    needs: frozenset[Capability]
    """What the target must offer; without it the check is inconclusive."""
    profile: Profile
    """The shortest profile that runs it."""
    deadline_s: float
    """Seconds after which the check is canceled and inconclusive."""
    description: str = ""
    """What holds exactly: the function's docstring, each paragraph on one line."""

    @property
    def family(self) -> str:
        """The part of the id before its first dot."""
        return self.id.partition(".")[0]

    def belongs_to(self, profile: Profile) -> bool:
        """Say whether a run of this profile includes the check."""
        return PROFILES.index(self.profile) <= PROFILES.index(profile)


def check(
    id: str,  # noqa: A002 - an id is what everybody calls it
    title: str,
    *,
    checklist: str,
    observes: int,
    needs: Iterable[Capability] = (),
    profile: Profile = "quick",
    deadline_s: float = 60,
) -> Callable[[Function], Function]:
    """Declare an async function to be a check; its docstring says what holds exactly.

    `observes` is how many observations a pass must rest on, counted by the `observe` fixture:
    a check that looked at less than it set out to is inconclusive. `deadline_s` bounds the
    check itself, not its fixtures, which have deadlines of their own.

    Raises `Misconfigured`, naming file and line, when the declaration cannot be true.
    """

    def declare(function: Function) -> Function:
        spec = CheckSpec(
            id=id,
            title=title,
            checklist=checklist,
            observes=observes,
            needs=frozenset(needs),
            profile=profile,
            deadline_s=deadline_s,
            description=_paragraphs(inspect.getdoc(function) or ""),
        )
        _refuse_nonsense(spec, function)
        setattr(function, _ATTRIBUTE, spec)
        return function

    return declare


def spec_of(function: object) -> CheckSpec | None:
    """Give the declaration of a check, or None for a function that is not one."""
    spec = getattr(function, _ATTRIBUTE, None)
    return spec if isinstance(spec, CheckSpec) else None


def place_of(function: object) -> tuple[str, int]:
    """Give file and line of a check's own code."""
    code = getattr(_innermost(function), "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code else ("?", 0)


def _refuse_nonsense(spec: CheckSpec, function: Callable[..., object]) -> None:
    problems = []
    if not _ID.fullmatch(spec.id):
        problems.append("an id is family.name in lower case, digits and hyphens")
    if not spec.title.strip() or not spec.checklist.strip():
        problems.append("title and checklist must not be empty")
    if spec.observes < 1:
        problems.append(
            f"observes must be at least 1, not {spec.observes}: a check that needs to see "
            "nothing would pass without looking"
        )
    if spec.profile not in PROFILES:
        problems.append(f"profile must be one of {', '.join(PROFILES)}, not {spec.profile!r}")
    if not spec.deadline_s > 0:
        problems.append(f"deadline_s must be more than 0 seconds, not {spec.deadline_s}")
    if unknown := sorted(set(map(str, spec.needs)) - set(Capability)):
        problems.append(f"needs takes members of Capability, not {', '.join(unknown)}")
    if not inspect.iscoroutinefunction(_innermost(function)):
        problems.append("a check is an async function, so that its deadline can cancel it")
    if problems:
        file, line = place_of(function)
        raise Misconfigured(f"check {spec.id!r}: " + "; ".join(problems), where=f"{file}:{line}")


def _paragraphs(docstring: str) -> str:
    """Join the lines of each paragraph, so that every display can wrap them to its own width."""
    paragraphs = re.split(r"\n\s*\n|\n(?=\s*- )", docstring)
    return "\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _innermost(function: object) -> object:
    """Look through Hypothesis's `@given`, whose wrapper is not async itself."""
    hypothesis_handle = getattr(function, "hypothesis", None)
    return getattr(hypothesis_handle, "inner_test", function)
