"""Plain lines, for a pipe or a log: one for each check as it finishes, then the summary."""

from typing import TextIO

from harness.events import (
    CheckFinished,
    CheckResult,
    Event,
    Reporter,
    RunFinished,
    RunStarted,
    RunSummary,
    SystemReady,
)
from harness.reports.describe import (
    closing_lines,
    explanation_lines,
    observed,
    system_facts,
)
from harness.reports.overview import overview_lines
from harness.verdict import Verdict

_WIDTH = 160
"""Characters of a line in a log, which is not read at 80 columns."""

_WORDS = {Verdict.PASS: "pass", Verdict.FAIL: "FAIL", Verdict.INCONCLUSIVE: "INCONCLUSIVE"}


class PlainReporter(Reporter):
    """Writes lines that grep finds: no color, no cursor movement, nothing rewritten."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def handle(self, event: Event) -> None:
        """Write what a log needs of one event."""
        match event:
            case RunStarted():
                self._line(
                    f"target {event.target_name}, profile {event.profile}, seed {event.seed}, "
                    f"report {event.report_path}"
                )
            case SystemReady():
                self._line(f"ready in {event.seconds:.2f} s: {system_facts(event.target)}")
            case CheckFinished():
                self._check(event.result)
            case RunFinished():
                self._summary(event.summary)
            case _:
                pass  # the other events are about progress, which a log does not need

    def _check(self, result: CheckResult) -> None:
        self._line(
            f"{_WORDS[result.verdict]:<12}  {result.id}  {result.seconds:.2f} s  "
            f"{observed(result)}  {result.title}"
        )

    def _summary(self, summary: RunSummary) -> None:
        for cause in overview_lines(summary, _WIDTH):
            self._line(cause.text)
        explained: dict[str, str] = {}
        for result in summary.checks:
            if result.ran and result.verdict is not Verdict.PASS:
                self._line(f"\n{_WORDS[result.verdict]}  {result.id}")
                for line in explanation_lines(result, explained):
                    self._line(line)
        for line in ("", *closing_lines(summary)):
            self._line(line)

    def _line(self, text: str) -> None:
        # A stream that cannot show a character shows its escape instead of ending the run.
        encoding = self._stream.encoding or "utf-8"
        shown = text.encode(encoding, errors="backslashreplace").decode(encoding)
        self._stream.write(shown + "\n")
        self._stream.flush()
