"""The texts of a run: the same on a terminal and in a pipe."""

import textwrap
from collections.abc import Sequence
from dataclasses import replace

from harness.events import CheckResult, Ratchet, RunSummary, TargetFacts
from harness.evidence import Evidence
from harness.findings.finding import Finding
from harness.findings.rule import rules
from harness.reports.causes import Cause, causes_of, causes_of_checks
from harness.untrusted.sanitizing import sanitize, shorten
from harness.verdict import ExitCode, Verdict

MARKS = {Verdict.PASS: "✔", Verdict.FAIL: "✘", Verdict.INCONCLUSIVE: "?"}

LABELS = (
    *(
        "rule",
        "subject",
        "cells",
        "expected",
        "got",
        "detail",
        "why",
        "where",
        "request",
        "also",
        "log",
    ),
    *("bytes", "query", "transitions", "logged", "reproduce"),
)
"""What stands before the parts of an explanation."""

SHOWN_KNOWN = 10
"""Accepted findings that a list of the summary names."""

SHOWN_ASPECTS = 3
"""Expectations of one cause that were not met, as far as its explanation shows them."""

SHOWN_CAUSES = 5
"""Kinds of findings that a check's explanation shows; all are in results.json."""

SHOWN_CELLS = 4
"""Cells of one cause that its explanation names; the others are counted."""

_NAMED_NOT_RUN = 3
"""So many checks that did not run are named; of more there is only the number."""

_LABEL_WIDTH = 10
"""The space for a label; a longer one has a blank behind it all the same."""
_TEXT_WIDTH = 78
_LONGEST_LINE = 2_000
_MOST_LINES = 24
_ON_STDERR = (ExitCode.MISCONFIGURED, ExitCode.INTERNAL_ERROR)


def explanation_lines(result: CheckResult, explained: dict[str, str] | None = None) -> list[str]:
    """Give everything there is to say about a check that did not pass, below its id.

    `explained` holds the rules that another check's explanation has shown already, and that
    check: they are only named; the rules that this one shows are added to it.
    """
    known = {} if explained is None else explained
    lines = [f"  {result.title}", *description_lines(result.description, "  ")]
    shown = 0
    for cause in causes_of_checks([replace(result, blocked=())]):
        if known.setdefault(cause.rule, result.id) != result.id:
            text = f"{cause.rule} ({cause.shown_subjects()}), see {known[cause.rule]} above"
            lines += _labeled([("also", text)])
        elif shown < SHOWN_CAUSES:
            shown += 1
            lines += _cause_explanation(cause, result)
    if not result.findings:
        lines += _labeled([("why", result.message), ("where", result.where)])
    lines += _unseen_cells(result)
    return lines + _labeled([("log", result.log), ("reproduce", result.reproduce)])


def _cause_explanation(cause: Cause, result: CheckResult) -> list[str]:
    finding = cause.first
    parts = [("rule", f"{cause.rule}: {cause.sentence}")] if cause.rule != result.id else []
    subject = cause.shown_subjects()
    parts += [("subject", subject)] if finding.cell or cause.rule != result.id else []
    parts += [("cells", _cells_of(cause, result))]
    for each in cause.aspects[:SHOWN_ASPECTS]:
        parts += _expectation(each)
    parts += [("where", finding.where)]
    logs = [each for each in finding.evidence if each.kind == "log"]
    if shown := [each for each in finding.evidence if each.kind != "log"]:
        label = "request" if shown[-1].kind == "exchange" else shown[-1].kind
        parts.append((label, shown[-1].text.partition("\n\n")[0]))
    parts += [("logged", _last_line(each)) for each in logs]
    return _labeled(parts)


def _last_line(evidence: Evidence) -> str:
    """The end of what was logged: an error's last line says what it is."""
    last = (evidence.text.splitlines() or [""])[-1].strip()
    return f"{last} ({evidence.title.partition(' during ')[0]})"


def _cells_of(cause: Cause, result: CheckResult) -> str:
    """Say in which cells it was found, and of how many: what is not named works.

    Empty where that is no more than the subjects say.
    """
    named = dict.fromkeys(
        ", ".join(value for name, value in each.cell if name != "operation")
        for each in cause.findings
    )
    for said in ("", *cause.subjects):
        named.pop(said, None)
    if not named or result.cells.total <= len(named):
        return ""
    rest = len(named) - SHOWN_CELLS
    more = f" and {rest} more" if rest > 0 else ""
    return f"{'; '.join(list(named)[:SHOWN_CELLS])}{more}; of {result.cells.total} cells"


def _expectation(finding: Finding) -> list[tuple[str, str]]:
    if not (finding.expected or finding.got):
        return [("why", finding.message)]
    return [("expected", finding.expected), ("got", finding.got), ("detail", finding.detail)]


def _unseen_cells(result: CheckResult) -> list[str]:
    """Say which cells have no answer yet, beside those with findings."""
    texts = []
    shown = causes_of_checks([result])
    if len(shown) > SHOWN_CAUSES:
        texts.append(f"{len(shown) - SHOWN_CAUSES} more kinds of findings are in results.json")
    cells = result.cells
    if cells.blocked:
        texts.append(f"{cells.blocked} of {cells.total} cells are blocked")
    if cells.not_looked_at and result.findings:
        why = cells.reasons[0][0] if cells.reasons else ""
        texts.append(f"{cells.not_looked_at} of {cells.total} cells were not looked at: {why}")
    return _labeled([("also", text) for text in texts])


def _labeled(parts: Sequence[tuple[str, str]]) -> list[str]:
    return [
        f"  {'' if number else label + ' ':<{_LABEL_WIDTH}}{line}"
        for label, text in parts
        for number, line in enumerate(printable(text).splitlines() if text else ())
    ]


def description_lines(description: str, indent: str, width: int = _TEXT_WIDTH) -> list[str]:
    """Wrap what a check's docstring says, for a terminal of 80 columns."""
    wrapper = textwrap.TextWrapper(width, initial_indent=indent, subsequent_indent=indent)
    return [line for paragraph in description.split("\n") for line in wrapper.wrap(paragraph)]


def observed(result: CheckResult) -> str:
    """Say what a check rests on."""
    if not result.ran:
        return "not run"
    if result.cells.absent:
        return f"{result.cells.judged} of {result.cells.total} cells"
    if result.observations >= result.needed_observations:
        return f"{result.observations} observed"
    return f"{result.observations} of {result.needed_observations} observed"


def system_facts(target: TargetFacts) -> str:
    """Say what is running."""
    workers = "1 worker" if target.workers == 1 else f"{target.workers} workers"
    postgres = f", PostgreSQL {target.postgres}" if target.postgres else ""
    return f"{target.api_instances} API + {workers}{postgres}"


def closing_lines(summary: RunSummary) -> list[str]:
    """Give what stands below the checks; the last line is the verdict."""
    covered = coverage_line(summary)
    report = f"report: {summary.report_path}"
    more = [*([covered] if covered else []), *notes(summary), *_explained(summary)]
    return [*more, report, conclusion(summary)]


def _explained(summary: RunSummary) -> list[str]:
    """Lead to what there is to know of the worst rule that is broken."""
    known = [cause.rule for cause in causes_of(summary) if cause.rule in rules()]
    return [f"why, and how to fix it: shakedown explain {known[0]}"] if known else []


UNMET_WORDS = "about the target file (no verdict): the backend's words and its answers differ:"


def notes(summary: RunSummary) -> list[str]:
    """Say what else matters: known gaps, old names, checks that did not run, an interruption.

    What makes a run misconfigured, or an error of ours, goes to standard error instead.
    """
    texts = ratchet_lines(summary.ratchet) if summary.ratchet else []
    if gaps := [result.id for result in summary.checks if result.allowed]:
        texts.append(f"inconclusive, and allowed to be: {', '.join(gaps)}")
    if gaps and (still_open := _still_open(summary)):
        texts.append(f"inconclusive, and not allowed to be: {', '.join(still_open)}")
    if fewer := [result.id for result in summary.checks if result.fewer]:
        why = "`fewer` in results.json says why"
        texts.append(f"with less to look at than usual: {', '.join(fewer)} ({why})")
    if _refuses_tokens(summary):
        texts.append(
            "the backend refuses the tokens of the target file: `shakedown doctor` tries them, and "
            "says what may be wrong under [tokens]"
        )
    if summary.old_names:
        texts.append("\n  ".join(["old names in your checks:", *summary.old_names]))
    if summary.unmet_words:
        texts.append("\n  ".join([UNMET_WORDS, *map(printable, summary.unmet_words)]))
    if waiting := [result for result in summary.checks if not result.ran]:
        named = ", ".join(result.id for result in waiting)
        ids = f"\n  {named}" if len(waiting) <= _NAMED_NOT_RUN else ""
        texts.append(f"{len(waiting)} {printable(waiting[0].message)}{ids}")
    if summary.error and summary.exit_code not in _ON_STDERR:
        texts.append(printable(summary.error))
    return texts


def _refuses_tokens(summary: RunSummary) -> bool:
    """Say whether nothing could be made, since the first request of a member got a 401."""
    return any(
        finding.rule == "job.created" and finding.got.startswith("401 ")
        for result in summary.checks
        for finding in (*result.findings, *result.blocked)
    )


def ratchet_lines(ratchet: Ratchet) -> list[str]:
    """Say how the run compares with what is accepted."""
    parts = [f"{ratchet.known} known findings do not count", f"{len(ratchet.new)} new"]
    parts += [f"{ratchet.blocked} checks blocked by known ones"] if ratchet.blocked else []
    lines = [f"baseline: {', '.join(parts)}"]
    for what, names in (
        ("fixed (take them out with `shakedown accept`)", ratchet.fixed),
        ("not seen, for where they were was not looked at", ratchet.not_seen),
        ("no longer accepted, for their time is over", ratchet.expired),
    ):
        if names:
            more = [f"… and {len(names) - SHOWN_KNOWN} more"] if len(names) > SHOWN_KNOWN else []
            lines.append("\n  ".join([f"{len(names)} {what}:", *names[:SHOWN_KNOWN], *more]))
    return lines


def _still_open(summary: RunSummary) -> list[str]:
    return [
        result.id
        for result in summary.checks
        if result.verdict is Verdict.INCONCLUSIVE and result.ran and not result.allowed
    ]


def coverage_line(summary: RunSummary) -> str:
    """Say in one line how much the checks have covered; empty where none records it."""
    tables = [table for result in summary.checks for table in result.coverage]
    if not tables:
        return ""
    checks = sum(bool(result.coverage) for result in summary.checks)
    cells = sum(len(table.cells) for table in tables)
    of_checks = "1 check" if checks == 1 else f"{checks} checks"
    in_cells = "1 cell" if cells == 1 else f"{cells} cells"
    return f"coverage of {of_checks}, {in_cells}: {summary.report_path}/coverage.md"


def conclusion(summary: RunSummary) -> str:
    """Give the last line: the verdict and what it rests on."""
    not_run = sum(not result.ran for result in summary.checks)
    accepted = sum(result.accepted for result in summary.checks)
    counts = [
        f"{number} {word}"
        for word, number in (
            ("failed", summary.count(Verdict.FAIL) - accepted),
            ("failed as accepted", accepted),
            ("inconclusive", summary.count(Verdict.INCONCLUSIVE) - not_run),
            ("passed", summary.count(Verdict.PASS)),
            ("not run", not_run),
        )
        if number
    ]
    counted = "no check ran" if not_run == len(summary.checks) else ", ".join(counts)
    return f"{conclusion_word(summary)}: {counted} in {summary.seconds:.1f} s (seed {summary.seed})"


def conclusion_word(summary: RunSummary) -> str:
    """Give the verdict as the last line begins: the run's own trouble, if it had any, first."""
    if summary.exit_code == ExitCode.MISCONFIGURED:
        return "MISCONFIGURED"
    if summary.exit_code == ExitCode.INTERNAL_ERROR:
        return "INTERNAL ERROR"
    return str(summary.verdict).upper()


def printable(text: str) -> str:
    """Sanitize a text, and cut it after `_MOST_LINES`; the rest is in the log."""
    lines = sanitize(text).split("\n")
    if len(lines) > _MOST_LINES:
        left_out = len(lines) - _MOST_LINES
        lines = [*lines[:_MOST_LINES], f"… {left_out} more lines in the log"]
    return "\n".join(shorten(line, _LONGEST_LINE) for line in lines)
