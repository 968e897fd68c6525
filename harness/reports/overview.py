"""What a summary begins with: the causes, each once, the worst first, as many as fit a screen."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from harness.events import RunSummary
from harness.reports.causes import Cause, causes_of
from harness.untrusted.sanitizing import sanitize

SCREEN_LINES = 23
"""Lines of a terminal of 24, without the prompt."""

_REQUEST_ID = re.compile(r" \[request id [^\]]{1,200}\]")
"""A line has no room for it; the explanation has."""

Kind = Literal["heading", "severity", "cause", "got"]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the overview, and what it is."""

    text: str
    kind: Kind


def overview_lines(summary: RunSummary, width: int) -> list[Line]:
    """Say what is broken: a line for each cause, and what was expected and got as it fits.

    The first expectation says in which case the rule is broken: "got 1" alone says nothing.
    """
    causes = causes_of(summary)
    new = [cause for cause in causes if not cause.accepted]
    if not new:
        return []
    number = "1 cause" if len(new) == 1 else f"{len(new)} causes, the worst first"
    known = len(causes) - len(new)
    heading = number + (f"; {known} more accepted" if known else "")
    lines = [Line(text=heading, kind="heading")]
    severities = len({cause.severity for cause in new})
    details = max(0, SCREEN_LINES - 1 - severities - len(new)) // len(new)
    severity = None
    for cause in new:
        if cause.severity is not severity:
            severity = cause.severity
            lines.append(Line(text=str(severity), kind="severity"))
        lines.append(Line(text=_cause_line(cause, width), kind="cause"))
        # With room for one line it is what was got.
        shown = [text for text in (_expected(cause), _got(cause)) if text][-details:]
        if details:
            lines += [Line(text=_cut(f"      {text}", width), kind="got") for text in shown]
    return lines


def _cause_line(cause: Cause, width: int) -> str:
    blocks = f" · blocks {_checks(len(cause.blocks))}" if cause.blocks else ""
    sentence, subjects = cause.sentence.rstrip("."), named(cause.heads, 4)
    # Whatever is cut, the subjects and what is blocked still show.
    kept = min(len(subjects), max(24, width - 4 - len(blocks) - len(sentence) - 2))
    tail = (f": {_cut(subjects, kept)}" if subjects else "") + blocks
    return f"  ✘ {_cut(sentence, width - 4 - len(tail))}{tail}"


def _expected(cause: Cause) -> str:
    expected = _in_one_line(cause.first.expected)
    case = cause.first.detail.partition("\n")[0]
    return f"expected {expected}" + (f" ({case})" if case else "") if expected else ""


def _got(cause: Cause) -> str:
    first = cause.first
    what = _REQUEST_ID.sub("", _in_one_line(first.got or first.message))
    return f"got {what}" if first.got else what


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


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
