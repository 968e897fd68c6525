"""The terminal: live progress while the run works, then the checklist."""

import itertools
import time

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from harness.events import (
    BringUpProgress,
    CheckFinished,
    CheckResult,
    ChecksSelected,
    CheckStarted,
    DebuggerEntered,
    Event,
    RunFinished,
    RunStarted,
    RunSummary,
    SystemReady,
    TearDownStarted,
)
from harness.reports.describe import (
    MARKS,
    conclusion,
    coverage_line,
    explanation,
    notes,
    observed,
    system_facts,
)
from harness.verdict import ExitCode, Verdict

_STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
}


class TerminalReporter:
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
                told = f"ready in {event.seconds:.2f} s: {system_facts(event.target)}"
                self._console.print(Text(told, style="dim"))
            case CheckFinished() if self._live is None:
                self._console.print(_line(event.result, len(event.result.id)))
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
        self._began = time.monotonic()
        self._doing = "bringing up"
        self._running: dict[str, tuple[str, float]] = {}
        self._total = 0
        self._counts = dict.fromkeys(Verdict, 0)
        self._spinner = Spinner("dots")

    def handle(self, event: Event) -> None:
        """Take note of one event."""
        match event:
            case BringUpProgress():
                self._doing = f"bringing up: {event.what}"
            case ChecksSelected():
                self._total = len(event.checks)
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

    def __rich__(self) -> RenderableType:
        now = time.monotonic()
        rows = [
            self._row(f"{check_id}  {title}", now - began)
            for check_id, (title, began) in self._running.items()
        ]
        return Group(*(rows or [self._row(self._doing, now - self._began)]), self._tally(now))

    def _row(self, what: str, seconds: float) -> RenderableType:
        row = Table.grid(padding=(0, 1), expand=True)
        row.add_column(width=1)
        row.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        row.add_column(justify="right", no_wrap=True)
        row.add_row(self._spinner, Text(what), Text(f"{seconds:.1f} s", style="dim"))
        return row

    def _tally(self, now: float) -> Text:
        marks = [
            (f"{MARKS[verdict]} {number}  ", _STYLES[verdict] if number else "dim")
            for verdict, number in self._counts.items()
        ]
        done = sum(self._counts.values())
        told = f"{done} of {self._total} · {now - self._began:.0f} s"
        return Text.assemble(*marks, (told, "dim"))


def print_summary(console: Console, summary: RunSummary) -> None:
    """Print the checklist, then everything that did not pass, then the verdict."""
    width = max((len(result.id) for result in summary.checks), default=0)
    for family, results in itertools.groupby(
        sorted(summary.checks, key=_Order(summary.checks)), key=lambda result: result.family
    ):
        console.print(Text(f"\n{family}", style="bold"))
        for line, group in itertools.groupby(results, key=lambda result: result.checklist):
            console.print(Text(f"  {line}", style="italic"))
            for result in group:
                console.print(_line(result, width))
    for result in summary.checks:
        if result.ran and result.verdict is not Verdict.PASS:
            _print_explanation(console, result)
    console.print()
    if covered := coverage_line(summary):
        console.print(Text(covered, style="dim"), soft_wrap=True)
    for remark in notes(summary):
        console.print(Text(remark, style="yellow"))
    console.print(Text(f"report: {summary.report_path}", style="dim"), soft_wrap=True)
    style = (
        _STYLES[summary.verdict]
        if summary.exit_code < ExitCode.MISCONFIGURED
        else _STYLES[Verdict.FAIL]
    )
    console.print(Text(conclusion(summary), style=style))


class _Order:
    """Sorts checks by family and checklist line, each in order of first appearance."""

    def __init__(self, results: tuple[CheckResult, ...]) -> None:
        self._families = list(dict.fromkeys(result.family for result in results))
        self._lines = list(dict.fromkeys(result.checklist for result in results))

    def __call__(self, result: CheckResult) -> tuple[int, int]:
        return self._families.index(result.family), self._lines.index(result.checklist)


def _line(result: CheckResult, id_width: int) -> RenderableType:
    style = _STYLES[result.verdict]
    row = Table.grid(padding=(0, 2), expand=True)
    row.add_column(width=3, justify="right")
    row.add_column(width=id_width, no_wrap=True)
    row.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    row.add_column(justify="right", no_wrap=True)
    row.add_column(justify="right", width=8)
    row.add_row(
        Text(MARKS[result.verdict], style=style),
        Text(result.id, style="" if result.verdict is Verdict.PASS else style),
        Text(result.title + (" (allowed)" if result.allowed else "")),
        Text(observed(result), style="dim"),
        Text(f"{result.seconds:.2f} s", style="dim"),
    )
    return row


def _print_explanation(console: Console, result: CheckResult) -> None:
    console.print()
    console.print(
        Text.assemble(
            (f"{MARKS[result.verdict]} {result.id}", _STYLES[result.verdict]), f"  {result.title}"
        )
    )
    for label, text in explanation(result):
        first, *others = text.splitlines() or [""]
        # Soft-wrapped, so that a command or a path can be copied in one piece.
        console.print(Text.assemble((f"    {label:<10}", "dim"), first), soft_wrap=True)
        for line in others:
            console.print(Text(" " * 14 + line), soft_wrap=True)
