"""Telling a stale worker's work from its successor's by the time at which it was done."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from chaos.drills.stale_workers import StaleWakeUp
from chaos.workers.parked_workers import ParkedWorker
from harness.checkers import ExportFacts, Violation
from harness.checkers.as_entries import FIXED, of_transitions
from harness.checkers.examples import MIDNIGHT, transitions_of
from harness.checkers.fencing import Fencing
from harness.checkers.fold import fold
from harness.errors import Inconclusive
from harness.history.entries import Busy, Judge
from harness.system import Instance

STORY = "e1 queued @0\ne1 claimed w1 @1\ne1 returned @4\ne1 claimed w2 @5\ne1 ready @{}"


def at(seconds: float) -> datetime:
    return MIDNIGHT + timedelta(seconds=seconds)


def worker(name: str, seconds: float) -> ParkedWorker:
    worker = Instance(name=name, role="worker", base_url="", log_path=Path("none.log"))
    return ParkedWorker(worker=worker, failpoint="while_working", seconds=seconds)


def ready_at(seconds: float) -> ExportFacts:
    steps = transitions_of(STORY.format(seconds))
    return ExportFacts(exports=(), completions=(), transitions=steps)


def wake_up(still_asleep_at: float) -> StaleWakeUp:
    return StaleWakeUp(
        stale=worker("w1", 2),
        successor=worker("w2", 1),
        taken={"e1": at(5)},
        still_asleep_at=at(still_asleep_at),
        woken_at=at(still_asleep_at + 0.1),
    )


def judged(finished_at: float, end: str = "ready") -> list[Violation]:
    """Judge by the history that a drill writes."""
    steps = transitions_of(STORY.replace("ready", end).format(finished_at))
    entries = [
        *of_transitions(steps[:-1]),
        *(Busy(**fields, **FIXED) for fields in wake_up(5.1).busy()),
        *of_transitions(steps[-1:]),
    ]
    return fold([Fencing], entries, Judge(what="", watched=True, **FIXED))


def test_what_its_owner_had_no_time_for_was_done_by_the_stale_worker() -> None:
    [violation] = judged(5.2)
    assert violation.rule == "finished-by-zombie"
    assert violation.subject == "e1"
    assert "w2 (attempt 2)" in violation.expected
    assert "w1" in violation.got


def test_what_took_its_time_was_done_by_its_owner() -> None:
    assert not judged(6)
    assert not judged(6, "failed")


def test_what_recovery_took_from_the_stale_worker_was_not_its_successors() -> None:
    steps = of_transitions(transitions_of(STORY.format(6)))
    same = of_transitions(transitions_of(STORY.replace("w2", "w1").format(6)))
    busy = [Busy(**fields, **FIXED) for fields in wake_up(5.1).busy()]
    # A drill writes the changes that it sees only after it has woken the stale worker.
    assert not fold([Fencing], [*busy, *steps], Judge(what="", watched=True, **FIXED))
    # The second attempt may be of the same worker.
    assert not fold([Fencing], [*busy, *same], Judge(what="", watched=True, **FIXED))


@pytest.mark.parametrize("end", ["failed", "returned"])
def test_what_the_stale_worker_failed_or_gave_back_is_told(end: str) -> None:
    [violation] = judged(5.2, end)
    assert violation.rule == "finished-by-zombie"
    steps = transitions_of(STORY.replace("ready", end).format(5.2))
    seen = ExportFacts(exports=(), completions=(), transitions=steps)
    assert wake_up(5.1).met(seen) == {"e1"}


def test_they_must_have_met() -> None:
    assert wake_up(5.1).met(ready_at(6)) == {"e1"}
    with pytest.raises(Inconclusive, match="w2 finished all 1 exports of w1"):
        wake_up(6.1).met(ready_at(6))
