"""From what a check raised to what it found: the only place where exceptions become verdicts."""

import linecache
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

import pytest

from harness.errors import CheckFailed, Inconclusive, PreconditionNotMet, ShakedownError
from harness.evidence import Evidence
from harness.findings.finding import Finding
from harness.findings.fingerprint import Coordinates, aspect_of
from harness.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one phase of a check, or one cell, ended in, when it did not simply end."""

    verdict: Verdict
    message: str
    expected: str = ""
    got: str = ""
    detail: str = ""
    where: str = ""
    rule: str = ""
    """The rule that the failure itself names."""
    subject: str = ""
    aspect: str = ""
    evidence: tuple[Evidence, ...] = ()
    """What the failure itself gives as evidence."""
    precondition: bool = False
    """Whether what the check needs to exist could not be made."""

    def finding(self, default_rule: str, cell: Coordinates = ()) -> Finding:
        """Give the finding that a failure is, by the rule it names or the default one."""
        return Finding(
            rule=self.rule or default_rule,
            subject=self.subject or ", ".join(value for _, value in cell),
            cell=cell,
            expected=self.expected,
            got=self.got,
            detail=self.detail,
            message=self.message,
            where=self.where,
            aspect=aspect_of(self.aspect, cell),
            evidence=self.evidence,
        )


def outcome_of(finding: Finding, verdict: Verdict) -> Outcome:
    """Give a phase's outcome for a finding that one of its cells made."""
    return Outcome(verdict=verdict, message=finding.message, where=finding.where)


def judge(error: BaseException, check_path: Path) -> Outcome:
    """Say what an exception out of a check, or out of one of its fixtures, means.

    A broken expectation is a failure; everything else leaves the question open. Of an exception
    group every leaf is looked at, and a failure among them dominates.
    """
    outcomes = [_judge_one(leaf, check_path) for leaf in _leaves(error)]
    failures = [outcome for outcome in outcomes if outcome.verdict is Verdict.FAIL]
    first = (failures or outcomes)[0]
    others = len(outcomes) - 1
    if not others:
        return first
    return replace(
        first, message=f"{first.message}\n(and {others} more at the same time; all are in the log)"
    )


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _judge_one(error: BaseException, check_path: Path) -> Outcome:
    where = locate(error.__traceback__, check_path)
    notes = getattr(error, "__notes__", [])
    verdict, message, parts = Verdict.INCONCLUSIVE, str(error), {}
    evidence: tuple[Evidence, ...] = ()
    precondition = isinstance(error, PreconditionNotMet)
    match error:
        case CheckFailed():
            verdict = Verdict.FAIL
            detail = "\n".join(filter(None, [error.detail, *notes]))
            parts = {"expected": error.expected, "got": error.got, "detail": detail}
            parts |= {"rule": error.rule, "subject": error.subject, "aspect": error.aspect}
            evidence = error.evidence
        case AssertionError():
            # pytest's rewriting has put its explanation of a plain `assert` into the exception.
            verdict = Verdict.FAIL
            source = _source_line(error.__traceback__)
            message = message or source or "an assertion did not hold"
            parts = {"aspect": source}
        case pytest.fail.Exception():
            verdict = Verdict.FAIL
            parts = {"aspect": message}
        case pytest.skip.Exception() | pytest.xfail.Exception():
            message = f"skipped: {error}"
        case Inconclusive() | ShakedownError():
            pass
        case _:
            message = f"the check crashed: {_one_line(error)}{_innermost(error)}"
    message = "\n".join(filter(None, [message, *notes]))
    return Outcome(
        verdict=verdict,
        message=message,
        where=where,
        precondition=precondition,
        evidence=evidence,
        **parts,
    )


def _one_line(error: BaseException) -> str:
    return traceback.format_exception_only(error)[0].strip()


def _innermost(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f", at {short_path(Path(frames[-1].filename))}:{frames[-1].lineno}" if frames else ""


def _source_line(trace: TracebackType | None) -> str:
    frames = traceback.extract_tb(trace)
    return (frames[-1].line or "").strip() if frames else ""


def locate(trace: TracebackType | None, check_path: Path) -> str:
    """Give `file:line` of the deepest frame within the check's own file, or an empty string."""
    lines = [frame.lineno for frame in traceback.extract_tb(trace) if _same(frame, check_path)]
    return f"{short_path(check_path)}:{lines[-1]}" if lines else ""


def _same(frame: traceback.FrameSummary, path: Path) -> bool:
    return Path(frame.filename) == path


def short_path(path: Path) -> str:
    """Give a path that names a file that exists: from here where it is below, else the whole."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def describe_place(trace: TracebackType | None, check_path: Path) -> str:
    """Say in one line where a check was when it was stopped."""
    frames = [frame for frame in traceback.extract_tb(trace) if _same(frame, check_path)]
    if not frames:
        return ""
    last = frames[-1]
    line = linecache.getline(last.filename, last.lineno or 0).strip()
    return f"{short_path(check_path)}:{last.lineno}: {line}"
