"""Where reports go, and what of an earlier run is left."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.errors import Misconfigured
from harness.reports.directory import open_report_directory

NOW = datetime(2026, 11, 23, 20, 45, 12, tzinfo=UTC)


def test_by_default_every_run_has_a_folder_and_latest_points_to_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = open_report_directory(None, seed=7, now=NOW)
    second = open_report_directory(None, seed=7, now=NOW)
    assert first == Path("shakedown-report/20261123-204512-7")
    assert second != first
    assert Path("shakedown-report/latest").resolve() == second.resolve()


def test_with_out_the_reports_go_right_there_and_those_of_an_earlier_run_are_gone(
    tmp_path: Path,
) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    assert open_report_directory(tmp_path, seed=7, now=NOW) == tmp_path
    for name in ("results.json", "junit.xml", "logs/worker-9.log", "checks/own.x.log"):
        (tmp_path / name).write_text("old")
    open_report_directory(tmp_path, seed=7, now=NOW)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"mine.txt", "checks/.shakedown", "logs/.shakedown"}


def test_a_folder_that_is_not_ours_loses_nothing(tmp_path: Path) -> None:
    for folder in ("logs", "checks"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.log").write_text("kept")
    for _ in range(2):
        open_report_directory(tmp_path, seed=7, now=NOW)
        (tmp_path / "results.json").write_text("{}")
    assert (tmp_path / "logs" / "mine.log").exists()
    assert (tmp_path / "checks" / "mine.log").exists()


def test_a_directory_that_cannot_be_written_is_refused_by_name(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(Misconfigured, match="--out DIR"):
        open_report_directory(blocked / "report", seed=7, now=NOW)
