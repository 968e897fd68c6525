"""What a person sees: plain lines in a pipe, live progress and the checklist on a terminal."""

import io
import re
from collections.abc import Callable

import pytest
from rich.console import Console

from harness.events import Event
from harness.reports.plain import PlainReporter
from harness.reports.terminal import Progress, TerminalReporter

Show = Callable[[object], None]


@pytest.fixture
def plain(show: Show) -> str:
    stream = io.StringIO()
    show(PlainReporter(stream))
    return stream.getvalue()


def _terminal(show: Show, *, live: bool = False, **options: object) -> str:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, highlight=False, **options)  # type: ignore[arg-type]
    show(TerminalReporter(console, live=live))
    return stream.getvalue()


def test_in_a_pipe_there_is_a_line_for_each_check_and_no_escape_sequence(plain: str) -> None:
    lines = plain.splitlines()
    assert "pass          golden.upload  0.25 s  3 observed  Title of golden.upload" in lines
    assert any(line.startswith("FAIL ") and "claim.exactly-once" in line for line in lines)
    assert any(line.startswith("INCONCLUSIVE") and "0 of 3 observed" in line for line in lines)
    assert "\x1b" not in plain


def test_a_failure_tells_what_was_expected_what_came_and_how_to_repeat_it(plain: str) -> None:
    for told in (
        "  expected  once",
        "  got       twice",
        "  detail    export <7>\\x1b[2J",
        "  where     contracts/claim/check_exactly_once.py:41",
        "  log       report/checks/claim.exactly-once.log",
        "  reproduce shakedown run --only claim.exactly-once --seed 7",
    ):
        assert told in plain.splitlines()


def test_the_last_line_is_the_verdict_with_its_figures_and_the_seed(plain: str) -> None:
    assert plain.splitlines()[-1] == ("FAIL: 1 failed, 2 inconclusive, 1 passed in 4.5 s (seed 7)")
    assert "not counted, by --allow-inconclusive: claim.fallback" in plain


def test_where_the_checks_looked_is_told_before_the_verdict(plain: str, show: Show) -> None:
    told = "where 1 of the checks looked, 1 cells: "
    assert told in plain
    assert told in _terminal(show)


def test_a_stream_that_cannot_show_a_character_shows_its_escape(show: Show) -> None:
    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    show(PlainReporter(ascii_only))
    assert ascii_only.buffer.getvalue()


def test_on_a_terminal_the_checklist_is_grouped_by_family_and_line(show: Show) -> None:
    lines = [line.strip() for line in _terminal(show, no_color=True).splitlines()]
    at = lines.index("golden") if "golden" in lines else -1
    text = "\n".join(lines)
    assert at >= 0 or "golden" in text
    assert text.index("Line of golden") < text.rindex("Title of golden.manifest")
    assert text.rindex("✔") < text.rindex("✘")
    assert "?" in text
    assert "Title of claim.fallback (allowed)" in text


def test_without_color_nothing_is_colored(show: Show) -> None:
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", _terminal(show, no_color=True))
    assert "\x1b[32m" in _terminal(show, color_system="standard")


def test_the_live_area_is_gone_when_the_run_is_over(show: Show) -> None:
    text = _terminal(show, live=True)
    assert text.count("taking the system down") <= text.count("\x1b[2K")
    assert "shakedown run --only claim.exactly-once --seed 7" in text


def test_progress_shows_what_runs_how_long_and_the_counts(events: list[Event]) -> None:
    progress = Progress()
    stream = io.StringIO()
    console = Console(file=stream, width=80)
    seen = []
    for event in events[:-2]:
        progress.handle(event)
        console.print(progress)
        seen.append(stream.getvalue())
        stream.seek(0)
        stream.truncate()
    assert "bringing up: database" in seen[1]
    assert "claim.exactly-once  Title of claim.exactly-once" in seen[5]
    assert "✔ 1" in seen[5]
    assert "✘ 1" in seen[-1]
    assert "? 2" in seen[-1]
