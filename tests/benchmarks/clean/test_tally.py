"""The tally of clean runs grows, is read as it was written, and forgets what code is no more."""

import contextlib
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.clean.tally import (
    Counted,
    Key,
    Ran,
    Tally,
    as_json,
    kept,
    most_false_alarms,
    parse,
    table,
)

KEY = Key(target="reference", drill="chaos.drain", drill_code="d1", backend_code="b1")
OTHER = replace(KEY, drill="chaos.worker-kill")
PASSED = Ran(load="idle", verdict="pass", seconds=7.04, seed=1, busy=3)
FAILED = Ran(load="stressed", verdict="fail", seconds=9.5, seed=2, why="one lost\nmore of it")
OPEN = Ran(load="idle", verdict="inconclusive", seconds=8, seed=3, why="never seen: it", busy=40)


def tally_of(*runs: tuple[Key, Ran]) -> Tally:
    tally = Tally()
    for key, ran in runs:
        tally = tally.with_run(key, ran)
    return tally


def test_runs_are_counted_by_load_and_what_did_not_pass_is_kept() -> None:
    tally = tally_of((KEY, PASSED), (KEY, PASSED), (KEY, OPEN), (KEY, FAILED), (OTHER, PASSED))
    entry = tally.entries[KEY]
    assert entry.idle == Counted(passed=2, inconclusive=1, seconds=22.0, slowest=8.0, busy=40)
    assert entry.stressed == Counted(failed=1, seconds=9.5, slowest=9.5)
    assert entry.not_passed == (
        "inconclusive, idle, seed 3: never seen: it",
        "fail, stressed, seed 2: one lost",
    )
    assert (tally.runs(KEY, "idle"), tally.runs(KEY, "stressed")) == (3, 1)
    assert tally.runs(replace(KEY, target="node"), "idle") == 0


def test_it_is_read_as_it_was_written_a_line_an_entry() -> None:
    tally = tally_of((OTHER, PASSED), (KEY, FAILED))
    text = as_json(tally)
    assert parse(text) == tally
    assert as_json(parse(text)) == text
    assert [line[:12] for line in text.splitlines()].count('{"target": "') == 2
    assert parse("") == Tally()


@pytest.mark.parametrize("text", ["[]", "{}", '{"entries": [{}]}', "nonsense", '{"entries": 1}'])
def test_a_file_that_is_none_is_refused_and_not_written_over(tmp_path: Path, text: str) -> None:
    file = tmp_path / "clean_runs.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=r".+"), kept(file, [KEY]) as added:
        added.append((KEY, PASSED))
    assert file.read_text() == text


def test_runs_of_several_processes_add_up_and_entries_of_other_code_are_dropped(
    tmp_path: Path,
) -> None:
    file = tmp_path / "clean_runs.json"
    with kept(file, [KEY, OTHER]) as ours, kept(file, [KEY, OTHER]) as theirs:
        ours.append((KEY, PASSED))
        theirs += [(KEY, PASSED), (OTHER, PASSED)]
    assert parse(file.read_text()).runs(KEY, "idle") == 2
    changed = replace(KEY, backend_code="b2")
    with kept(file, [changed, OTHER]) as added:
        added.append((changed, OPEN))
    after = parse(file.read_text())
    assert set(after.entries) == {changed, OTHER}
    assert after.runs(changed, "idle") == 1


def test_what_was_counted_before_an_interruption_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "clean_runs.json"
    with contextlib.suppress(KeyboardInterrupt), kept(file, [KEY]) as added:
        added.append((KEY, PASSED))
        raise KeyboardInterrupt
    assert parse(file.read_text()).runs(KEY, "idle") == 1


@pytest.mark.parametrize(
    ("counted", "said"),
    [
        ([Counted()], "-"),
        ([Counted(inconclusive=9)], "-"),
        ([Counted(passed=20)], "14 %"),
        ([Counted(passed=40), Counted(passed=20)], "5 %"),
        ([Counted(passed=20), Counted(failed=1)], "1 of 21 failed"),
    ],
)
def test_how_often_it_may_be_wrong(counted: list[Counted], said: str) -> None:
    assert most_false_alarms(counted) == said


def test_the_table_names_what_was_never_tallied() -> None:
    never = replace(KEY, drill="chaos.new")
    text = table(tally_of((KEY, PASSED), (KEY, FAILED)), [KEY, never])
    assert (
        "| reference | `chaos.drain` | 1, 0, 0 | 0, 1, 0 | 1 of 2 failed | 7.0 | 9.5 | 3 % |"
        in text
    )
    assert "never tallied as they are now, on reference: chaos.new\n" in text
    assert text.endswith("chaos.drain on reference: fail, stressed, seed 2: one lost")
