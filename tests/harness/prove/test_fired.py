"""What was seen to break each rule: taken from a `prove.json`, kept in a file."""

import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from harness.findings.fired import Fired, fired_as_toml, parse_fired, rules_seen_by
from harness.prove import fired as command
from harness.prove.fired import merged

BEFORE: Fired = {"answer.json": {"a.x": ("old", "tried")}, "a.x": {"a.x": ("tried",)}}
RAN: list[dict[str, Any]] = [
    {"id": "tried", "rules": {"answer.json": ["a.y", "a.x"]}},
    {"id": "another", "rules": {"answer.json": ["a.x"]}},
    {"id": "survived", "rules": {}},
]


def test_what_was_tried_again_is_replaced_and_the_rest_stays() -> None:
    assert merged(BEFORE, RAN) == {
        "answer.json": {"a.x": ("another", "old", "tried"), "a.y": ("tried",)}
    }
    assert merged(BEFORE, []) == BEFORE


def test_the_file_is_sorted_and_read_as_it_was_written() -> None:
    text = fired_as_toml(merged(BEFORE, RAN))
    assert parse_fired(text) == merged(BEFORE, RAN)
    assert text.index('"a.x" = ["another", "old", "tried"]') < text.index('"a.y" = ["tried"]')
    assert text == fired_as_toml(parse_fired(text))


def test_it_is_asked_by_check() -> None:
    seen = merged(BEFORE, RAN)
    assert rules_seen_by("a.y", seen) == {"answer.json": ("tried",)}


def test_the_command_takes_a_run_into_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, proved = tmp_path / "fired.toml", tmp_path / "prove.json"
    kept.write_text(fired_as_toml(BEFORE), encoding="utf-8")
    proved.write_bytes(orjson.dumps({"schema": 1, "defects": RAN}))
    monkeypatch.setattr(command, "FIRED_FILE", kept)
    monkeypatch.setattr(sys, "argv", ["fired", str(proved)])
    command.main()
    assert parse_fired(kept.read_text(encoding="utf-8")) == merged(BEFORE, RAN)
    assert "docs/rules.md" in capsys.readouterr().out


def test_without_a_run_the_command_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["fired", str(tmp_path / "prove.json")])
    with pytest.raises(SystemExit, match="run `shakedown prove` first"):
        command.main()
