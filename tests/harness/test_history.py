"""What is written comes back, from several writers, and also after one was killed."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.history import DamagedHistory, HistoryWriter, read_history


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    with HistoryWriter(tmp_path / "history.jsonl") as history:
        written = [
            history.write("invoke", "requestExport", process="user-1", org="o1"),
            history.write("ok", "requestExport", process="user-1", org="o1", job="e1"),
            history.write("info", "kill-worker", process="fault", worker="worker-1", attempt=2),
        ]
    assert list(read_history(tmp_path / "history.jsonl")) == written
    assert [operation.i for operation in written] == [0, 1, 2]
    assert written == sorted(written, key=lambda operation: operation.t_ns)


def test_every_line_is_there_before_the_next_thing_happens(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with HistoryWriter(path) as history:
        history.write("invoke", "getExport", process="p")
        assert path.read_bytes().count(b"\n") == 1


def test_two_writers_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with HistoryWriter(path) as one, HistoryWriter(path) as other:
        for _ in range(50):
            one.write("invoke", "f", process="one", error="x" * 500)
            other.write("invoke", "f", process="other")
    assert sum(operation.process == "one" for operation in read_history(path)) == 50
    assert sum(operation.process == "other" for operation in read_history(path)) == 50


def test_a_line_that_a_killed_writer_left_unfinished_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with HistoryWriter(path) as history:
        history.write("invoke", "f", process="p")
        history.write("ok", "f", process="p")
    os.truncate(path, path.stat().st_size - 5)
    assert [operation.type for operation in read_history(path)] == ["invoke"]


@pytest.mark.parametrize("line", [b"nonsense", b"[]", b'{"i": 0}', b'{"surprise": 1}'])
def test_any_other_damage_is_told_with_its_line(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "history.jsonl"
    with HistoryWriter(path) as history:
        history.write("invoke", "f", process="p")
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(DamagedHistory, match=r"history\.jsonl:2: expected a history entry"):
        list(read_history(path))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text())
def test_no_text_breaks_a_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "any.jsonl"
    path.unlink(missing_ok=True)
    with HistoryWriter(path) as history:
        written = history.write("fail", "f", process="p", error=text)
    assert list(read_history(path)) == [written]
