"""What the plugin notes of tests that break rules with hand-made answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.shared.resources.conventions import TIMES, time_of
from harness.client import Record
from harness.errors import CheckFailed
from harness.expect import expect
from harness.findings.fired import hand_made_as_toml, parse_hand_made
from tests import hand_made as plugin

KEPT = "tests/docs/test_hand_made.py"


@pytest.fixture
def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[plugin.Noted]:
    file = tmp_path / "hand_made.toml"
    before = {TIMES: ("tests/gone.py", KEPT), "answer.json": (KEPT,), "verify.event": (KEPT,)}
    file.write_text(hand_made_as_toml(before), encoding="utf-8")
    monkeypatch.setattr(plugin, "FILE", file)
    noted = plugin.Noted()
    noted.begin()
    yield noted
    noted.end()


def test_a_rule_counts_that_the_products_code_finds_broken(noted: plugin.Noted) -> None:
    with pytest.raises(CheckFailed):
        time_of(Record({"created_at": "yesterday"}), "created_at")
    assert noted.now == {TIMES}


def test_what_a_test_makes_itself_or_no_rule_says_does_not_count(noted: plugin.Noted) -> None:
    with pytest.raises(CheckFailed):
        expect(False, expected="JSON", got="text", rule="answer.json")
    with pytest.raises(CheckFailed):
        raise CheckFailed("JSON", "text", rule="own.rule")
    assert noted.now == set()


def test_files_that_ran_are_replaced_and_those_that_are_gone_forgotten(noted: plugin.Noted) -> None:
    noted.files[KEPT] = {TIMES}
    noted.end()
    written = plugin.FILE.read_text(encoding="utf-8")
    assert parse_hand_made(written) == {TIMES: (KEPT,)}
    noted.files.clear()
    noted.end()
    assert plugin.FILE.read_text(encoding="utf-8") == written
