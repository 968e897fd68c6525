"""On a terminal of 80 columns the id and the whole title of every shipped check can be read."""

import importlib
import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from harness.check import CheckSpec, spec_of
from harness.cli.checks import print_list
from harness.events import (
    BringUpProgress,
    CheckFinished,
    CheckResult,
    ChecksSelected,
    CheckStarted,
    RunFinished,
    RunSummary,
)
from harness.plugin.extent.extent import Extent
from harness.reports.plain import PlainReporter
from harness.reports.terminal import Progress, TerminalReporter
from harness.verdict import Verdict

ROOT = Path(__file__).parents[3]
LONGEST_TITLE = 50


def _shipped() -> list[CheckSpec]:
    files = [
        path.relative_to(ROOT).with_suffix("")
        for package in ("contracts", "load", "chaos")
        for path in sorted((ROOT / package).rglob("check_*.py"))
    ]
    modules = [importlib.import_module(".".join(file.parts)) for file in files]
    specs = [
        spec for module in modules for value in vars(module).values() if (spec := spec_of(value))
    ]
    return list({spec.id: spec for spec in specs}.values())


SHIPPED = _shipped()


def _results(verdict: Verdict) -> tuple[CheckResult, ...]:
    return tuple(
        CheckResult.of(
            spec, verdict, observations=1_000, needed_observations=1_000, seconds=123.45,
            message="it is not", reproduce=f"shakedown run --only {spec.id}",
        )
        for spec in SHIPPED
    )  # fmt: skip


def _all_are_whole(shown: str, times: int = 1) -> None:
    lines = shown.splitlines()
    assert max(map(len, lines)) <= 80
    for spec in SHIPPED:
        assert sum(spec.id in line.split() for line in lines) >= times, spec.id
        assert sum(spec.title in line for line in lines) >= times, spec.title


def test_all_of_them_are_here() -> None:
    assert len(SHIPPED) >= 58


@pytest.mark.parametrize("spec", SHIPPED, ids=lambda spec: spec.id)
def test_a_title_is_short_and_the_docstring_says_what_holds_exactly(spec: CheckSpec) -> None:
    assert len(spec.title) <= LONGEST_TITLE
    assert spec.description


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_checklist(summary: RunSummary, verdict: Verdict) -> None:
    stream = io.StringIO()
    reporter = TerminalReporter(Console(file=stream, width=80, highlight=False), live=False)
    results = _results(verdict)
    reporter.handle(ChecksSelected(checks=tuple(SHIPPED)))
    for result in results:
        reporter.handle(CheckFinished(result=result))
    as_they_finish = stream.getvalue()
    short = replace(summary, checks=results, report_path=Path("out"))
    reporter.handle(RunFinished(summary=short))
    _all_are_whole(as_they_finish)
    _all_are_whole(stream.getvalue().removeprefix(as_they_finish), 1 + (verdict != Verdict.PASS))


def test_what_runs_now() -> None:
    stream = io.StringIO()
    progress = Progress()
    progress.handle(ChecksSelected(checks=tuple(SHIPPED)))
    for spec in SHIPPED:
        progress.handle(CheckStarted(id=spec.id, title=spec.title))
    Console(file=stream, width=80).print(progress)
    _all_are_whole(stream.getvalue())


@pytest.mark.parametrize("width", [20, 40, 60])
def test_what_runs_now_fits_a_narrow_terminal(width: int) -> None:
    progress, stream = Progress(), io.StringIO()
    progress.handle(ChecksSelected(checks=tuple(SHIPPED)))
    for doing in ("database", "the image of the API, which the Dockerfile of the target makes"):
        progress.handle(BringUpProgress(what=doing))
        Console(file=stream, width=width).print(progress)
    for spec in SHIPPED[:2]:
        progress.handle(CheckStarted(id=spec.id, title=spec.title))
    before = stream.tell()
    Console(file=stream, width=width).print(progress)
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert len(stream.getvalue()[before:].splitlines()) <= (7 if width >= 40 else 20)


def test_the_list_of_checks() -> None:
    shown = io.StringIO()
    missing = Extent(how="not at all", missing=("database", "listLedgerEvents"))
    for extent in (missing, Extent(how="all")):
        extents = {spec.id: extent for spec in SHIPPED}
        print_list(Console(file=shown, width=80, highlight=False), SHIPPED, extents, verbose=True)
    _all_are_whole(shown.getvalue())


def test_plain_lines_cut_nothing(summary: RunSummary) -> None:
    stream = io.StringIO()
    reporter = PlainReporter(stream)
    for result in _results(Verdict.FAIL):
        reporter.handle(CheckFinished(result=result))
    lines = stream.getvalue().splitlines()
    assert len(lines) == len(SHIPPED)
    for spec, line in zip(SHIPPED, lines, strict=True):
        assert spec.id in line.split()
        assert line.endswith(f"  {spec.title}")


def test_where_there_is_room_a_check_takes_one_line() -> None:
    stream = io.StringIO()
    reporter = TerminalReporter(Console(file=stream, width=140, highlight=False), live=False)
    reporter.handle(ChecksSelected(checks=tuple(SHIPPED)))
    for result in _results(Verdict.PASS):
        reporter.handle(CheckFinished(result=result))
    assert len(stream.getvalue().splitlines()) == len(SHIPPED)
