"""From what a check raised to what it found: the only place where exceptions become verdicts."""

import linecache
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

import pytest

from harness.errors import CheckFailed, Inconclusive, ShakedownError
from harness.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one phase of a check found, when it did not simply end."""

    verdict: Verdict
    message: str
    expected: str = ""
    got: str = ""
    detail: str = ""
    where: str = ""


def judge(error: BaseException, check_path: Path) -> Finding:
    """Say what an exception out of a check, or out of one of its fixtures, means.

    A broken expectation is a failure; everything else leaves the question open. Of an exception
    group every leaf is looked at, and a failure among them dominates.
    """
    findings = [_judge_one(leaf, check_path) for leaf in _leaves(error)]
    failures = [finding for finding in findings if finding.verdict is Verdict.FAIL]
    first = (failures or findings)[0]
    others = len(findings) - 1
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


def _judge_one(error: BaseException, check_path: Path) -> Finding:
    where = locate(error.__traceback__, check_path)
    notes = getattr(error, "__notes__", [])
    verdict, message, parts = Verdict.INCONCLUSIVE, str(error), {}
    match error:
        case CheckFailed():
            verdict = Verdict.FAIL
            detail = "\n".join(filter(None, [error.detail, *notes]))
            parts = {"expected": error.expected, "got": error.got, "detail": detail}
        case AssertionError():
            # pytest's rewriting has put its explanation of a plain `assert` into the exception.
            verdict = Verdict.FAIL
            message = message or _source_line(error.__traceback__) or "an assertion did not hold"
        case pytest.fail.Exception():
            verdict = Verdict.FAIL
        case pytest.skip.Exception() | pytest.xfail.Exception():
            message = f"skipped: {error}"
        case Inconclusive() | ShakedownError():
            pass
        case _:
            message = f"the check crashed: {_one_line(error)}{_innermost(error)}"
    message = "\n".join(filter(None, [message, *notes]))
    return Finding(verdict=verdict, message=message, where=where, **parts)


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
