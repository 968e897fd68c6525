"""The terminal: live progress while the run works, then the checklist."""

import time

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from harness.check import CheckSpec
from harness.events import (
    BringUpProgress,
    CheckFinished,
    CheckResult,
    ChecksSelected,
    CheckStarted,
    DebuggerEntered,
    Event,
    Reporter,
    RunFinished,
    RunStarted,
    RunSummary,
    SystemReady,
    TearDownStarted,
)
from harness.reports.check_rows import CheckRows, by_checklist
from harness.reports.describe import (
    LABELS,
    MARKS,
    closing_lines,
    explanation_lines,
    observed,
    system_facts,
)
from harness.reports.overview import overview_lines
from harness.verdict import ExitCode, Verdict

_STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
}

_OVERVIEW_STYLES = {"heading": "bold", "severity": "bold red", "cause": "", "got": "dim"}


class TerminalReporter(Reporter):
    """Shows a run to a person. Without `live` nothing is ever rewritten, only added."""

    def __init__(self, console: Console, *, live: bool) -> None:
        self._console = console
        self._progress = Progress()
        self._live: Live | None = None
        self._wants_live = live

    def handle(self, event: Event) -> None:
        """Show one event."""
        match event:
            case RunStarted():
                self._begin(event)
            case SystemReady():
                ready = f"ready in {event.seconds:.2f} s: {system_facts(event.target)}"
                self._console.print(Text(ready, style="dim"))
            case CheckFinished() if self._live is None:
                rows = CheckRows(self._progress.selected, self._console.width)
                _print_row(self._console, rows, event.result)
            case DebuggerEntered():
                self.close()
            case RunFinished():
                self.close()
                print_summary(self._console, event.summary)
            case _:
                pass
        self._progress.handle(event)

    def close(self) -> None:
        """Take the live area off the terminal."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _begin(self, event: RunStarted) -> None:
        self._console.print(
            Text.assemble(
                ("shakedown ", "bold"),
                f"{event.target_name} · profile {event.profile} · ",
                (f"seed {event.seed}", "bold"),
            )
        )
        if self._wants_live:
            self._live = Live(
                self._progress, console=self._console, refresh_per_second=10, transient=True
            )
            self._live.start()


class Progress:
    """What the live area shows; rendered from another thread, so it only reads plain fields."""

    def __init__(self) -> None:
        self.selected: tuple[CheckSpec, ...] = ()
        self._began = time.monotonic()
        self._doing = "bringing up"
        self._running: dict[str, tuple[str, float]] = {}
        self._counts = dict.fromkeys(Verdict, 0)
        self._spinner = Spinner("dots")

    def handle(self, event: Event) -> None:
        """Take note of one event."""
        match event:
            case BringUpProgress():
                self._doing = f"bringing up: {event.what}"
            case ChecksSelected():
                self.selected = event.checks
            case SystemReady():
                self._doing = "between two checks"
            case CheckStarted():
                self._running = self._running | {event.id: (event.title, time.monotonic())}
            case CheckFinished():
                self._running = {i: at for i, at in self._running.items() if i != event.result.id}
                self._counts[event.result.verdict] += 1
            case TearDownStarted():
                self._running = {}
                self._doing = "taking the system down"
            case _:
                pass

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        now = time.monotonic()
        rows = CheckRows(self.selected, options.max_width)
        running = self._running
        for check_id, (title, began) in running.items():
            yield rows.row(self._spinner, Text(check_id), title, f"{now - began:.1f} s")
        if not running:
            yield rows.row(self._spinner, Text(self._doing), "", f"{now - self._began:.1f} s")
        yield self._tally(now)

    def _tally(self, now: float) -> Text:
        marks = [
            (f"{MARKS[verdict]} {number}  ", _STYLES[verdict] if number else "dim")
            for verdict, number in self._counts.items()
        ]
        done = f"{sum(self._counts.values())} of {len(self.selected)} · {now - self._began:.0f} s"
        return Text.assemble(*marks, (done, "dim"))


def print_summary(console: Console, summary: RunSummary) -> None:
    """Print what is broken, the checklist, everything that did not pass, then the verdict."""
    for cause in overview_lines(summary, console.width):
        console.print(Text(cause.text, style=_OVERVIEW_STYLES[cause.kind]), soft_wrap=True)
    ran = [result for result in summary.checks if result.ran]
    rows = CheckRows(ran, console.width)
    for family, lines in by_checklist(ran).items():
        console.print(Text(f"\n{family}", style="bold"))
        for line, results in lines.items():
            console.print(Text(f"  {line}", style="italic"))
            for result in results:
                _print_row(console, rows, result)
    explained: dict[str, str] = {}
    for result in summary.checks:
        if result.ran and result.verdict is not Verdict.PASS:
            _print_explanation(console, result, explained)
    console.print()
    *remarks, verdict = closing_lines(summary)
    for remark in remarks:
        console.print(Text(remark, style="dim"), soft_wrap=True)
    failed = summary.exit_code >= ExitCode.MISCONFIGURED
    console.print(Text(verdict, style=_STYLES[Verdict.FAIL if failed else summary.verdict]))


def _print_row(console: Console, rows: CheckRows, result: CheckResult) -> None:
    style = _STYLES[result.verdict]
    console.print(
        rows.row(
            Text(MARKS[result.verdict], style=style),
            Text(result.id, style="" if result.verdict is Verdict.PASS else style),
            result.title + (" (allowed)" if result.allowed else ""),
            observed(result),
            f"{result.seconds:.2f} s",
        )
    )


def _print_explanation(console: Console, result: CheckResult, explained: dict[str, str]) -> None:
    heading = f"\n{MARKS[result.verdict]} {result.id}"
    console.print(Text(heading, style=_STYLES[result.verdict]))
    for line in explanation_lines(result, explained):
        text = Text(line)
        text.highlight_regex(rf"^  ({'|'.join(LABELS)}) ", "dim")
        # Soft-wrapped, so that a command or a path can be copied in one piece.
        console.print(text, soft_wrap=True)
