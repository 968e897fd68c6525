"""How a run is told in words: the same on a terminal and in a pipe."""

from harness.events import CheckResult, RunSummary, TargetFacts
from harness.untrusted.sanitizing import sanitize, shorten
from harness.verdict import ExitCode, Verdict

_LONGEST_LINE = 2_000

_TOLD_ON_STDERR = (ExitCode.MISCONFIGURED, ExitCode.INTERNAL_ERROR)

MARKS = {Verdict.PASS: "✔", Verdict.FAIL: "✘", Verdict.INCONCLUSIVE: "?"}


def explanation(result: CheckResult) -> list[tuple[str, str]]:
    """Give label and text of everything there is to say about a check that did not pass."""
    if result.expected or result.got:
        parts = [("expected", result.expected), ("got", result.got), ("detail", result.detail)]
    else:
        parts = [("why", result.message)]
    parts += [("where", result.where), ("log", result.log), ("reproduce", result.reproduce)]
    return [(label, printable(text)) for label, text in parts if text]


def observed(result: CheckResult) -> str:
    """Say what a check rests on."""
    if not result.ran:
        return "not run"
    if result.observations >= result.needed_observations:
        return f"{result.observations} observed"
    return f"{result.observations} of {result.needed_observations} observed"


def system_facts(target: TargetFacts) -> str:
    """Say what is running."""
    workers = "1 worker" if target.workers == 1 else f"{target.workers} workers"
    postgres = f", PostgreSQL {target.postgres}" if target.postgres else ""
    return f"{target.api_instances} API + {workers}{postgres}"


def notes(summary: RunSummary) -> list[str]:
    """Say what else matters to the verdict: known gaps, checks that never ran, an interruption.

    What makes a run misconfigured, or an error of ours, goes to standard error instead.
    """
    told = []
    if gaps := [result.id for result in summary.checks if result.allowed]:
        told.append(f"not counted, by --allow-inconclusive: {', '.join(gaps)}")
    if waiting := [result for result in summary.checks if not result.ran]:
        ids = ", ".join(result.id for result in waiting)
        told.append(f"{len(waiting)} {printable(waiting[0].message)}\n  {ids}")
    if summary.error and summary.exit_code not in _TOLD_ON_STDERR:
        told.append(printable(summary.error))
    return told


def coverage_line(summary: RunSummary) -> str:
    """Say in one line how far the checks that tell have looked; empty where none tells."""
    tables = [table for result in summary.checks for table in result.coverage]
    if not tables:
        return ""
    checks = sum(bool(result.coverage) for result in summary.checks)
    cells = sum(len(table.cells) for table in tables)
    return f"where {checks} of the checks looked, {cells} cells: {summary.report_path}/coverage.md"


def conclusion(summary: RunSummary) -> str:
    """Give the last line: the verdict and what it rests on."""
    counts = [
        f"{number} {word}"
        for word, number in (
            ("failed", summary.count(Verdict.FAIL)),
            ("inconclusive", summary.count(Verdict.INCONCLUSIVE)),
            ("passed", summary.count(Verdict.PASS)),
        )
        if number
    ]
    told = ", ".join(counts) or "no check ran"
    return f"{_headline(summary)}: {told} in {summary.seconds:.1f} s (seed {summary.seed})"


def _headline(summary: RunSummary) -> str:
    if summary.exit_code == ExitCode.MISCONFIGURED:
        return "MISCONFIGURED"
    if summary.exit_code == ExitCode.INTERNAL_ERROR:
        return "INTERNAL ERROR"
    return str(summary.verdict).upper()


def printable(text: str, *, most_lines: int = 24) -> str:
    """Make a text fit to show: harmless, and no longer than somebody reads.

    What is cut off beyond `most_lines` is in the log.
    """
    lines = sanitize(text).split("\n")
    if len(lines) > most_lines:
        left_out = len(lines) - most_lines
        lines = [*lines[:most_lines], f"… {left_out} more lines in the log"]
    return "\n".join(shorten(line, _LONGEST_LINE) for line in lines)
