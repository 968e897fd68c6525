"""What a person sees: plain lines in a pipe, live progress and the checklist on a terminal."""

import io
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from harness.events import Event, RunFinished, RunSummary
from harness.findings.finding import Finding
from harness.findings.rule import rules
from harness.reports.describe import closing_lines, conclusion, notes
from harness.reports.plain import PlainReporter
from harness.reports.results_json import results
from harness.reports.terminal import Progress, TerminalReporter
from harness.verdict import Verdict

from .conftest import FINDINGS, result

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


def test_a_failure_shows_what_was_expected_what_it_got_and_how_to_reproduce_it(plain: str) -> None:
    for told in (
        "  Title of claim.exactly-once",
        "  Two claims at once.",
        "  One of them wins.",
        "  expected  once",
        "  got       twice",
        "  detail    export <7>\\x1b[2J",
        "  where     contracts/claim/check_exactly_once.py:41",
        "  log       report/checks/claim.exactly-once.log",
        "  reproduce shakedown run --only claim.exactly-once --seed 7",
    ):
        assert told in plain.splitlines()


def test_a_terminal_shows_what_holds_exactly(show: Show) -> None:
    assert "\n  Two claims at once.\n  One of them wins.\n" in _terminal(show, no_color=True)


def test_words_that_no_answer_had_are_a_note_and_in_the_file(summary: RunSummary) -> None:
    words = ('[contract.values.export.state] ready: no answer had "done"',)
    told = notes(replace(summary, unmet_words=words))
    assert [each for each in told if "(no verdict)" in each and words[0] in each]
    assert results(replace(summary, unmet_words=words))["unmet_words"] == list(words)
    assert not [each for each in notes(summary) if "(no verdict)" in each]


def test_old_names_are_listed_before_the_verdict(summary: RunSummary) -> None:
    old_names = ("checks/check_own.py:12: write got= instead of came=",)
    event = RunFinished(summary=replace(summary, old_names=old_names))
    stream, terminal = io.StringIO(), io.StringIO()
    PlainReporter(stream).handle(event)
    TerminalReporter(Console(file=terminal, width=80), live=False).handle(event)
    for shown in (stream.getvalue(), terminal.getvalue()):
        assert shown.index("FAIL: ") > shown.index(f"  {old_names[0]}\n") > 0


def test_the_last_line_is_the_verdict_with_its_figures_and_the_seed(plain: str) -> None:
    assert plain.splitlines()[-1] == ("FAIL: 1 failed, 2 inconclusive, 1 passed in 4.5 s (seed 7)")
    assert "inconclusive, and allowed to be: claim.fallback" in plain


def test_coverage_is_named_before_the_verdict(plain: str, show: Show) -> None:
    for shown in (plain, _terminal(show)):
        line = next(line for line in shown.splitlines() if "coverage.md" in line)
        assert "coverage of 1 check, 1 cell: " in line
        assert shown.index(line) < shown.index("FAIL: ")


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


def _interrupted(summary: RunSummary, **facts: object) -> RunSummary:
    """The same run, of which fifty more checks did not begin."""
    never = tuple(
        result(f"late.number-{n}", Verdict.INCONCLUSIVE, message="not run: by SIGINT", ran=False)
        for n in range(50)
    )
    return replace(summary, checks=(*summary.checks, *never), **facts)  # type: ignore[arg-type]


def test_checks_that_did_not_run_are_a_number_and_no_list(summary: RunSummary) -> None:
    event = RunFinished(summary=_interrupted(summary, error="interrupted by SIGINT", exit_code=130))
    plain, terminal = io.StringIO(), io.StringIO()
    PlainReporter(plain).handle(event)
    TerminalReporter(Console(file=terminal, width=80), live=False).handle(event)
    for shown in (plain.getvalue(), terminal.getvalue()):
        assert "late.number" not in shown
        assert "50 not run: by SIGINT\n" in shown
        assert "FAIL: 1 failed, 2 inconclusive, 1 passed, 50 not run in" in shown


def test_a_misconfigured_run_in_which_nothing_ran_says_so(summary: RunSummary) -> None:
    whole = _interrupted(summary, error="api-1 died", exit_code=3, verdict=Verdict.INCONCLUSIVE)
    none_ran = replace(whole, checks=whole.checks[len(summary.checks) :])
    assert conclusion(none_ran) == "MISCONFIGURED: no check ran in 4.5 s (seed 7)"


def test_above_the_report_stands_what_explains_the_worst_rule(summary: RunSummary) -> None:
    *_, hint, report, _ = closing_lines(summary)
    assert report.startswith("report: ")
    what, _, rule = hint.partition(": shakedown explain ")
    assert what == "why, and how to fix it"
    assert rule in rules()
    assert rule in {finding.rule for finding in FINDINGS}
    own = replace(FINDINGS[0], rule="own.check")
    quiet = replace(summary, checks=(replace(summary.checks[1], findings=(own,)),))
    assert not any("shakedown explain" in line for line in closing_lines(quiet))


@pytest.mark.parametrize(("got", "is_told"), [("401 to POST /jobs", True), ("500 to POST", False)])
def test_tokens_that_are_refused_lead_to_the_doctor(
    summary: RunSummary, got: str, is_told: bool
) -> None:
    refused = Finding(rule="job.created", subject="createJob", expected="201", got=got)
    checks = (replace(summary.checks[0], blocked=(refused,)), *summary.checks[1:])
    told = "\n".join(notes(replace(summary, checks=checks)))
    assert ("shakedown doctor" in told) == is_told
