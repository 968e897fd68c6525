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


def test_with_out_the_reports_go_right_there_and_stale_results_are_gone(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for path in (tmp_path / "results.json", tmp_path / "junit.xml", logs / "worker-9.log"):
        path.write_text("old")
    (tmp_path / "mine.txt").write_text("kept")
    assert open_report_directory(tmp_path, seed=7, now=NOW) == tmp_path
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["mine.txt"]


def test_a_folder_that_is_not_ours_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "mine.log").write_text("kept")
    open_report_directory(tmp_path, seed=7, now=NOW)
    assert (tmp_path / "logs" / "mine.log").exists()


def test_a_directory_that_cannot_be_written_is_refused_by_name(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(Misconfigured, match="--out DIR"):
        open_report_directory(blocked / "report", seed=7, now=NOW)
