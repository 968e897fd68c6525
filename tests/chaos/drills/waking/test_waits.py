"""How long exports waited in the queue, by changes that are written by hand."""

from datetime import UTC, datetime, timedelta

from chaos.drills.waking.waits import Wait, describe, waits, waits_for_a_place
from harness.checkers import Transition
from harness.checkers.examples import transitions_of

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def steps_of(text: str) -> list[Transition]:
    return list(transitions_of(text))


def seconds(found: list[Wait], now: datetime) -> dict[str, float]:
    return {each.export_id: each.seconds(now) for each in found}


def at(steps: list[Transition], index: int) -> datetime:
    return steps[index].at


def test_a_wait_begins_when_an_export_is_queued_and_ends_with_its_claim() -> None:
    steps = steps_of("e1 queued @0, e1 claimed w1 @2, e1 ready @3, e2 queued @3")
    now = at(steps, 0) + timedelta(seconds=10)
    found = waits(steps, {"e1", "e2"}, at(steps, 0))
    assert seconds(found, now) == {"e1": 2.0, "e2": 7.0}
    assert describe(found, now) == {
        "e1": "claimed after 2.00 s",
        "e2": "still queued after 7.00 s",
    }


def test_what_comes_back_waits_again() -> None:
    steps = steps_of("e1 queued @0, e1 claimed w1 @1, e1 returned @4, e1 claimed w2 @9")
    assert seconds(waits(steps, {"e1"}, at(steps, 0)), at(steps, 3)) == {"e1": 5.0}


def test_what_was_queued_before_does_not_count() -> None:
    steps = steps_of("e1 queued @0, e1 claimed w1 @5, e2 queued @6")
    assert [each.export_id for each in waits(steps, {"e1", "e2"}, at(steps, 1))] == ["e2"]


def test_a_place_is_waited_for_from_the_last_end_on() -> None:
    steps = steps_of(
        "e1 queued @0, e2 queued @0, e3 queued @0, e1 claimed w1 @1, e1 ready @5, "
        "e2 claimed w1 @6, e2 ready @8"
    )
    since = at(steps, 3)
    now = at(steps, 0) + timedelta(seconds=20)
    found = waits_for_a_place(steps, ["e2", "e3"], since)
    assert seconds(found, now) == {"e2": 1.0, "e3": 12.0}


def test_a_claim_before_the_moment_is_no_wait() -> None:
    steps = steps_of("e1 queued @0, e1 claimed w1 @1")
    [found] = waits_for_a_place(steps, ["e1"], at(steps, 0) + timedelta(seconds=3))
    assert found.seconds(BEGAN) < 0
