"""The three verdicts, how they combine, and the exit codes that stand for them."""

from collections.abc import Iterable
from enum import IntEnum, StrEnum


class Verdict(StrEnum):
    """What is known about one check, or about a whole run."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class ExitCode(IntEnum):
    """What `shakedown` ends with; scripts may rely on these numbers."""

    PASS = 0
    FAIL = 1
    INCONCLUSIVE = 2
    MISCONFIGURED = 3
    INTERNAL_ERROR = 4


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """Give the verdict of a whole: fail dominates, then inconclusive.

    No verdict at all is inconclusive: a run that checked nothing has shown nothing.
    """
    seen = set(verdicts)
    if Verdict.FAIL in seen:
        return Verdict.FAIL
    if Verdict.INCONCLUSIVE in seen or not seen:
        return Verdict.INCONCLUSIVE
    return Verdict.PASS


def exit_code(verdict: Verdict) -> ExitCode:
    """Give the exit code that stands for a verdict."""
    return ExitCode[verdict.name]
