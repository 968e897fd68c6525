"""The kill matrix: which check caught which defect, as a value and as `prove.json`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from harness.prove.zoo import Defect
from harness.verdict import ExitCode

State = Literal["killed", "survived", "caught elsewhere", "not judged"]


@dataclass(frozen=True, kw_only=True)
class GateRun:
    """One run of the gate: its checks, those that failed, and what prevented a verdict."""

    exit_code: int
    checks: tuple[str, ...]
    failed: tuple[str, ...]
    seconds: float
    problem: str = ""
    gaps: tuple[str, ...] = ()
    """Checks that were inconclusive, and were allowed to be."""
    why: Mapping[str, str] = field(default_factory=dict)
    """By check that failed, or could not look and was not allowed that: what it said."""
    rules: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By rule that was found broken: the checks that found it."""


_EXIT_CODES = (ExitCode.PASS, ExitCode.INCONCLUSIVE, ExitCode.FAIL, ExitCode.MISCONFIGURED)
"""What counts more stands later; any other exit code counts more than these."""


def joined(runs: Sequence[GateRun]) -> GateRun:
    """Give several runs on one backend as one: everything that was seen, the worst exit code."""
    return GateRun(
        exit_code=max((run.exit_code for run in runs), key=_how_bad),
        checks=tuple(dict.fromkeys(check for run in runs for check in run.checks)),
        failed=tuple(dict.fromkeys(check for run in runs for check in run.failed)),
        seconds=sum(run.seconds for run in runs),
        problem="; ".join(run.problem for run in runs if run.problem),
        gaps=tuple(dict.fromkeys(check for run in runs for check in run.gaps)),
        why={check: message for run in runs for check, message in run.why.items()},
        rules=joined_rules(run.rules for run in runs),
    )


def joined_rules(
    each_run: Iterable[Mapping[str, tuple[str, ...]]],
) -> Mapping[str, tuple[str, ...]]:
    """Give by each rule that some run found broken all checks that found it."""
    together: dict[str, tuple[str, ...]] = {}
    for rules in each_run:
        for rule, checks in rules.items():
            together[rule] = tuple(dict.fromkeys([*together.get(rule, ()), *checks]))
    return dict(sorted(together.items()))


def _how_bad(exit_code: int) -> int:
    return _EXIT_CODES.index(exit_code) if exit_code in _EXIT_CODES else len(_EXIT_CODES)


@dataclass(frozen=True, kw_only=True)
class DefectResult:
    """What the gate found on one defect.

    `problem` says why the gate could not judge all of it.
    """

    defect: Defect
    caught_by: tuple[str, ...]
    seconds: float
    problem: str = ""
    rules: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By rule that was found broken: the checks that found it."""

    @property
    def state(self) -> State:
        """`killed` only when a check failed that must catch the defect."""
        if set(self.caught_by) & set(self.defect.expected):
            return "killed"
        if self.problem:
            return "not judged"
        return "caught elsewhere" if self.caught_by else "survived"


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """All results of a `prove` run, and the runs of the clean backend."""

    clean: tuple[GateRun, ...]
    results: tuple[DefectResult, ...]
    never_failed: tuple[str, ...] = ()
    """Checks that no defect made fail."""
    every_check: bool = True
    """Whether the zoo has defects for all checks, so that none may be idle."""

    @property
    def clean_passes(self) -> bool:
        """A gate with false alarms proves nothing: every clean run must have passed."""
        return all(run.exit_code == 0 for run in self.clean)

    @property
    def holds(self) -> bool:
        """Each was killed by the right check, the clean backend passed, no check is idle."""
        killed = all(result.state == "killed" for result in self.results)
        idle = self.every_check and self.never_failed
        return killed and self.clean_passes and not idle and bool(self.results)

    def as_json(self) -> dict[str, object]:
        """The documented form of `prove.json`, schema 1."""
        return {
            "schema": 1,
            "clean": {"verdict": "pass" if self.clean_passes else "fail", "runs": len(self.clean)},
            "defects": [
                {
                    "id": result.defect.id,
                    "title": result.defect.title,
                    "family": result.defect.family,
                    "source": result.defect.source,
                    "expected": list(result.defect.expected),
                    "caught_by": list(result.caught_by),
                    "rules": {rule: list(checks) for rule, checks in result.rules.items()},
                    "killed": result.state == "killed",
                    "seconds": round(result.seconds, 3),
                    "problem": result.problem,
                }
                for result in self.results
            ],
            "never_failed": list(self.never_failed),
        }


def never_failed(checks: Sequence[str], results: Sequence[DefectResult]) -> tuple[str, ...]:
    """The checks that no defect made fail: they have never been seen to fail."""
    bitten = {check for result in results for check in result.caught_by}
    return tuple(check for check in checks if check not in bitten)
