"""What a person sees while the zoo is tried, and what is known when it is stopped."""

import io
from pathlib import Path

from rich.console import Console

from harness.prove.display import ProgressDisplay
from harness.prove.gate import Gate
from harness.prove.matrix import DefectResult, GateRun
from harness.prove.runner import Plan
from harness.prove.zoo import Defect

DEFECTS = tuple(
    Defect(id=name, title=name, family=family, source="", expected=(f"{family}.a",))
    for name, family in (("one", "claim"), ("two", "claim"), ("three", "hash"))
)
PLAN = Plan(gate=Gate(variable="DEFECT", seed=1), defects=DEFECTS, zoo_size=3)
PASSED = GateRun(exit_code=0, checks=("claim.a", "hash.a"), failed=(), seconds=1.0)


def _show(*, terminal: bool) -> tuple[ProgressDisplay, io.StringIO]:
    stream = io.StringIO()
    return ProgressDisplay(Console(file=stream, force_terminal=terminal, width=100), PLAN), stream


def _two_of_three(show: ProgressDisplay) -> None:
    show.clean_run_ended(PASSED)
    for defect, caught in zip(DEFECTS[:2], ((), ("claim.a",)), strict=True):
        show.defect_started(defect)
        show.defect_ended(DefectResult(defect=defect, caught_by=caught, seconds=2.0))
    show.defect_started(DEFECTS[2])


def test_in_a_pipe_each_trial_is_a_line_with_its_count() -> None:
    show, stream = _show(terminal=False)
    with show:
        _two_of_three(show)
    lines = stream.getvalue().splitlines()
    assert "[1/3] survived: one by no check (2.0 s)" in lines
    assert "[2/3] killed: two by claim.a (2.0 s)" in lines


def test_on_a_terminal_each_family_is_a_row_of_marks() -> None:
    show, stream = _show(terminal=True)
    with show:
        _two_of_three(show)
        show._live.refresh()
    text = stream.getvalue()
    assert "2 of 3 defects tried · trying three" in text
    assert "✘" in text
    assert "▸" in text
    assert "survived: one by no check" in text
    assert "killed: two" not in text


def test_what_is_known_when_it_is_interrupted_is_kept() -> None:
    show, stream = _show(terminal=False)
    with show:
        _two_of_three(show)
    known = show.so_far()
    assert [result.defect.id for result in known.results] == ["one", "two"]
    assert not known.holds
    show.interrupted(Path("out"))
    assert "interrupted: 2 of 3 defects tried" in stream.getvalue()


def test_a_clean_check_that_fails_says_why() -> None:
    show, stream = _show(terminal=False)
    message = "expected status 201 from createJob\ngot 500\n\nlong\nand\nlonger"
    run = GateRun(
        exit_code=1, checks=("claim.a",), failed=("claim.a",), seconds=1.0, why={"claim.a": message}
    )
    with show:
        show.clean_run_ended(run)
    lines = [line.strip() for line in stream.getvalue().splitlines()]
    at = lines.index("claim.a: expected status 201 from createJob")
    assert lines[at : at + 5] == [lines[at], "got 500", "long", "and", "…"]
