"""What a summary begins with: the causes, each once, the worst first, as many as fit a screen."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from harness.events import RunSummary
from harness.reports.causes import Cause, causes_of
from harness.untrusted.sanitizing import sanitize

SCREEN_LINES = 23
"""Lines of a terminal of 24, without the prompt."""

Kind = Literal["heading", "severity", "cause", "got"]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the overview, and what it is."""

    text: str
    kind: Kind


def overview_lines(summary: RunSummary, width: int) -> list[Line]:
    """Say what is broken: a line for each cause, and what was got where that fits a screen."""
    causes = causes_of(summary)
    new = [cause for cause in causes if not cause.accepted]
    if not new:
        return []
    number = "1 cause" if len(new) == 1 else f"{len(new)} causes, the worst first"
    known = len(causes) - len(new)
    heading = number + (f"; {known} more accepted" if known else "")
    lines = [Line(text=heading, kind="heading")]
    severities = len({cause.severity for cause in new})
    is_detailed = 1 + severities + 2 * len(new) <= SCREEN_LINES
    severity = None
    for cause in new:
        if cause.severity is not severity:
            severity = cause.severity
            lines.append(Line(text=str(severity), kind="severity"))
        lines.append(Line(text=_cause_line(cause, width), kind="cause"))
        if is_detailed and (got := _got(cause)):
            lines.append(Line(text=_cut(f"      {got}", width), kind="got"))
    return lines


def _cause_line(cause: Cause, width: int) -> str:
    blocks = f" · blocks {_checks(len(cause.blocks))}" if cause.blocks else ""
    sentence, subjects = cause.sentence.rstrip("."), named(cause.heads, 4)
    # Whatever is cut, the subjects and what is blocked still show.
    kept = min(len(subjects), max(24, width - 4 - len(blocks) - len(sentence) - 2))
    tail = (f": {_cut(subjects, kept)}" if subjects else "") + blocks
    return f"  ✘ {_cut(sentence, width - 4 - len(tail))}{tail}"


def _got(cause: Cause) -> str:
    first = cause.first
    what = " ".join((first.got or first.message).split())
    return f"got {what}" if first.got else what


def named(names: Iterable[str], most: int) -> str:
    """Name some and count the rest."""
    every = list(names)
    rest = len(every) - most
    return ", ".join(every[:most]) + (f", +{rest}" if rest > 0 else "")


def _checks(number: int) -> str:
    return "1 check" if number == 1 else f"{number} checks"


def _cut(text: str, width: int) -> str:
    text = sanitize(text)
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"
