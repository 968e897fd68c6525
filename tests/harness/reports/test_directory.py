"""Where reports go, and what of an earlier run is left."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.errors import Misconfigured
from harness.events import Reporter, RunFinished, RunSummary
from harness.history import HistoryWriter
from harness.plugin.session.run_errors import RunErrors
from harness.redaction.redactor import Redactor
from harness.reports.coverage_md import CoverageMarkdown
from harness.reports.directory import CREATED, ReportDirectory, open_report_directory
from harness.reports.junit import JunitXml
from harness.reports.results_json import ResultsJson

NOW = datetime(2026, 11, 23, 20, 45, 12, tzinfo=UTC)
REPORTS = ("results.json", "junit.xml", "history.jsonl", "coverage.md", "internal-error.log")


def opened(out: Path | None) -> ReportDirectory:
    return open_report_directory(out, seed=7, now=NOW)


def test_by_default_every_run_has_a_folder_and_latest_points_to_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = opened(None), opened(None)
    assert first.path == Path("shakedown-report/20261123-204512-7")
    assert second.path != first.path
    latest = Path("shakedown-report/latest")
    assert not latest.is_symlink()
    for directory in (first, second):
        directory.conclude(exit_code=1)
        assert latest.resolve() == directory.path.resolve()


def test_latest_stays_where_it_is_when_a_run_was_misconfigured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    good, bad = opened(None), opened(None)
    good.conclude(exit_code=0)
    bad.conclude(exit_code=3)
    assert Path("shakedown-report/latest").resolve() == good.path.resolve()


def test_with_out_the_reports_go_right_there_and_those_of_an_earlier_run_are_gone(
    tmp_path: Path, summary: RunSummary
) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    first = opened(tmp_path)
    assert first.path == tmp_path
    write: list[Reporter] = [ResultsJson(tmp_path), JunitXml(tmp_path), CoverageMarkdown(tmp_path)]
    for reporter in write:
        reporter.handle(RunFinished(summary=summary))
    with HistoryWriter(tmp_path / "history.jsonl") as history:
        history.write("invoke", "getJob", process="a")
    RunErrors(tmp_path, Redactor(())).note_crash(RuntimeError("x"))
    for name in ("logs/worker-9.log", "checks/own.x.log", CREATED):
        (tmp_path / name).write_text("old")
    assert {name for name in REPORTS if (tmp_path / name).is_file()} == set(REPORTS)
    first.conclude(exit_code=1)
    opened(tmp_path)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"mine.txt", CREATED, "checks/.shakedown", "logs/.shakedown"}


@pytest.mark.parametrize("name", REPORTS)
def test_a_file_of_the_users_with_a_reports_name_is_not_touched(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("# Coverage of my project\n")
    with pytest.raises(Misconfigured, match=name):
        opened(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_folder_that_is_not_ours_loses_nothing(tmp_path: Path) -> None:
    for folder in ("logs", "checks"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.log").write_text("kept")
    for _ in range(2):
        opened(tmp_path).conclude(exit_code=0)
    assert (tmp_path / "logs" / "mine.log").exists()
    assert (tmp_path / "checks" / "mine.log").exists()


def test_two_runs_do_not_write_to_one_folder_at_a_time(tmp_path: Path) -> None:
    first = opened(tmp_path)
    (tmp_path / "history.jsonl").touch()
    with pytest.raises(Misconfigured, match="another run writes its report there now"):
        opened(tmp_path)
    assert (tmp_path / "history.jsonl").exists()
    first.conclude(exit_code=0)
    opened(tmp_path)


def test_a_directory_that_cannot_be_written_is_refused_by_name(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(Misconfigured, match="--out DIR"):
        opened(blocked / "report")
