"""What is written comes back, from several writers, and also after one was killed."""

import json
import os
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.history import (
    DamagedHistory,
    Entry,
    ForeignHistory,
    HistoryReader,
    HistoryWriter,
    read_history,
    read_whole_history,
)
from harness.history.entries import Clock, End, Transition, Writer
from harness.redaction.redactor import Redactor

UUID = "6f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9"
DIGEST = "ab" * 32


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    with HistoryWriter(tmp_path / "history.jsonl") as history:
        written = [
            history.write("invoke", "requestExport", process="user-1", org="o1"),
            history.write("ok", "requestExport", process="user-1", org="o1", job="e1"),
            history.write("info", "kill-worker", process="fault", worker="worker-1", attempt=2),
        ]
    assert list(read_history(tmp_path / "history.jsonl")) == written
    assert [operation.i for operation in written] == [1, 2, 3]
    assert written == sorted(written, key=lambda operation: operation.t_ns)


def test_a_history_says_who_wrote_it_and_that_nothing_is_missing(tmp_path: Path) -> None:
    with HistoryWriter(tmp_path / "history.jsonl", run="load-7") as history:
        drill = history.of("chaos.some", system="own-1")
        step = drill.append(
            Transition, n=1, at_us=5, job=UUID, new_state="queued", token=DIGEST[:32]
        )
        drill.clock(7, asked_ns=3)
    first, read, clock, last = read_whole_history(tmp_path / "history.jsonl")
    assert isinstance(first, Writer)
    assert isinstance(clock, Clock)
    assert isinstance(last, End)
    assert (first.run, first.writer, first.drill) == ("load-7", read.writer, "")
    assert read == step
    assert (read.drill, read.system) == ("chaos.some", "own-1")
    assert clock.database_us == 7
    assert last.i == 3
    assert abs(first.wall_us - clock.wall_us) < 60_000_000


def test_a_history_to_which_nothing_was_written_is_empty(tmp_path: Path) -> None:
    HistoryWriter(tmp_path / "history.jsonl").close()
    assert not (tmp_path / "history.jsonl").read_bytes()


def test_every_line_is_there_before_the_next_thing_happens(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with HistoryWriter(path) as history:
        history.write("invoke", "getExport", process="p")
        assert path.read_bytes().count(b"\n") == 2


def test_two_writers_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with HistoryWriter(path) as one, HistoryWriter(path) as other:
        for _ in range(50):
            one.write("invoke", "f", process="one", error="x" * 500)
            other.write("invoke", "f", process="other")
    written = list(read_history(path))
    for name in ("one", "other"):
        assert [each.i for each in written if each.process == name] == list(range(1, 51))
    assert len({each.writer for each in written}) == 2


def test_what_is_new_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    reader = HistoryReader(path)
    assert not list(reader.new())
    with HistoryWriter(path) as history:
        history.write("invoke", "f", process="p")
        assert len(list(reader.new())) == 2
        assert not list(reader.new())
        whole = path.read_bytes()
        history.write("ok", "f", process="p")
        line = path.read_bytes()[len(whole) :]
        path.write_bytes(whole + line[:20])
        assert not list(reader.new())
        was_cut = reader.is_cut
        path.write_bytes(whole + line)
        [read] = reader.new()
        assert isinstance(read, Entry)
        assert (was_cut, reader.is_cut, reader.lines) == (True, False, 3)


def test_a_line_that_a_killed_writer_left_unfinished_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    history = HistoryWriter(path)
    history.write("invoke", "f", process="p")
    history.write("ok", "f", process="p")
    os.truncate(path, path.stat().st_size - 5)
    assert [operation.type for operation in read_history(path)] == ["invoke"]
    history.close()


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense",
        b"[]",
        b"\xff",
        b'{"i": 0}',
        b'{"kind": "operation"}',
        b'{"kind": "end", "i": "0", "t_ns": 1, "writer": "w"}',
        b'{"kind": "end", "i": 0, "t_ns": 1, "writer": "w", "surprise": 1}',
    ],
)
def test_any_other_damage_is_told_with_its_line(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "history.jsonl"
    with HistoryWriter(path) as history:
        history.write("invoke", "f", process="p")
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(DamagedHistory, match=r"history\.jsonl:4: expected a history entry"):
        list(read_history(path))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"i":0,"t_ns":1,"process":"p","type":"ok","f":"x"}', "expected a history entry"),
        (b'{"kind":"end","i":0,"t_ns":1,"writer":"w"}', "whose first line says its schema"),
        (
            b'{"kind":"writer","i":0,"t_ns":1,"writer":"w","schema":99,"run":"r","machine":"","wall_us":1}',
            "expected schema 2, got 99",
        ),
    ],
)
def test_another_programs_file_is_foreign(tmp_path: Path, line: bytes, why: str) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(line + b"\n")
    with pytest.raises(ForeignHistory, match=why):
        list(read_history(path))


def test_a_line_without_an_end_is_not_read_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.history.reader.LONGEST_BYTES", 1000)
    path = tmp_path / "history.jsonl"
    path.write_bytes(b"x" * 5000)
    with pytest.raises(ForeignHistory, match=r":1: .* more than 1000 bytes"):
        list(read_whole_history(path))
    path.unlink()
    with HistoryWriter(path) as history:
        history.write("ok", "requestExport", process="user-1", org="o1", job="e1")
    with path.open("ab") as file:
        file.write(b"x" * 5000)
    with pytest.raises(DamagedHistory, match=r":4: .* more than 1000 bytes"):
        list(read_whole_history(path))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text())
def test_no_text_breaks_a_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "any.jsonl"
    path.unlink(missing_ok=True)
    with HistoryWriter(path) as history:
        written = history.write("fail", "f", process="p", error=text)
    assert list(read_history(path)) == [written]


def test_what_has_its_form_is_written_as_it_is_and_the_rest_is_redacted(tmp_path: Path) -> None:
    asked: list[str] = []

    def redact(text: str) -> str:
        asked.append(text)
        return "***"

    with HistoryWriter(tmp_path / "history.jsonl", redact) as history:
        plain = history.write(
            "ok", "f", process="p", job=UUID.upper(), sha256=DIGEST, worker="worker-1", status=200
        )
        assert not asked
        odd = history.write(
            "ok", "f", process="p", job="no uuid", sha256="x", worker="w", error="e"
        )
    assert (plain.job, plain.sha256, plain.worker) == (UUID, DIGEST, "worker-1")
    assert (odd.job, odd.sha256, odd.worker, odd.error) == ("***",) * 4
    assert sorted(asked) == ["e", "no uuid", "w", "x"]


def test_a_secret_with_the_form_of_an_id_is_hidden(tmp_path: Path) -> None:
    secret, issued = str(uuid.uuid4()), uuid.uuid4().hex
    redact = Redactor([secret])
    redact.add_issued_tokens([issued])
    with HistoryWriter(tmp_path / "history.jsonl", redact) as history:
        for spelled in (secret, secret.upper()):
            history.write("ok", "f", process="p", job=spelled, sha256=issued, org=UUID)
    text = (tmp_path / "history.jsonl").read_text()
    assert secret not in text.lower()
    assert issued not in text
    assert UUID in text


def test_of_a_claim_token_the_digest_is_written(tmp_path: Path) -> None:
    with HistoryWriter(tmp_path / "history.jsonl") as history:
        one = history.write("ok", "complete", process="worker", token=UUID)
        other = history.write("ok", "complete", process="worker", token=UUID)
    assert UUID not in (tmp_path / "history.jsonl").read_text()
    assert one.token == other.token
    assert one.token is not None
    assert len(one.token) == 32
    for line in (tmp_path / "history.jsonl").read_text().splitlines():
        assert json.loads(line)["kind"]
