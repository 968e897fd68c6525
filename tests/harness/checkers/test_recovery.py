"""The checker of recovery times, against examples and a brute-force oracle."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checkers.examples import MIDNIGHT, Example, transitions_of
from harness.checkers.facts import ExportFact
from harness.checkers.recovery import (
    ACCEPTS,
    REJECTS,
    TIMES_OF_EXAMPLES,
    WATCHED_FROM_OF_EXAMPLES,
    Orphan,
    RecoveryTimes,
    never_stolen,
    one_more_attempt,
    orphan_of_examples,
    reclaimed_in_time,
)


def judged(given_example: Example) -> list[str]:
    found = reclaimed_in_time(
        [orphan_of_examples()],
        given_example.transitions,
        TIMES_OF_EXAMPLES,
        watched_from=WATCHED_FROM_OF_EXAMPLES,
    )
    return [violation.rule for violation in found]


@pytest.mark.parametrize("good", ACCEPTS, ids=lambda each: each.title)
def test_accepts(good: Example) -> None:
    assert judged(good) == []
    assert never_stolen(good.transitions, TIMES_OF_EXAMPLES.stuck_timeout_s) == []


@pytest.mark.parametrize("bad", REJECTS, ids=lambda each: each.title)
def test_rejects_for_the_right_reason(bad: Example) -> None:
    assert judged(bad) == [bad.rule]


def test_whoever_comes_later_has_a_sweep_from_then_on() -> None:
    steps = transitions_of("e1 queued\ne1 claimed w1 @9\ne1 beats @10\ne1 returned @20.9")
    late = MIDNIGHT + timedelta(seconds=20)
    assert not reclaimed_in_time(
        [orphan_of_examples()], steps, TIMES_OF_EXAMPLES, watched_from=late
    )


def test_the_message_tells_who_was_at_what_and_when() -> None:
    steps = transitions_of("e1 queued\ne1 claimed w1 @9\ne1 beats @10\ne1 returned @11.25")
    [early] = reclaimed_in_time(
        [orphan_of_examples()], steps, TIMES_OF_EXAMPLES, watched_from=WATCHED_FROM_OF_EXAMPLES
    )
    for part in ("e1", "w1", "SIGKILL", "2 s", "00:00:10.0"):
        assert part in early.expected
    assert "00:00:11.25" in early.got
    assert "1.25 s after" in early.got


def test_a_young_heartbeat_is_never_stolen_from() -> None:
    steps = transitions_of("e1 queued\ne1 claimed w1 @1\ne1 beats @9.5\ne1 returned @10")
    [stolen] = never_stolen(steps, 2)
    assert stolen.rule == "stolen"
    assert "0.50 s old" in stolen.expected


def test_an_end_is_no_theft() -> None:
    assert never_stolen(transitions_of("e1 queued\ne1 claimed w1\ne1 ready"), 5) == []
    assert never_stolen(transitions_of("e1 queued\ne1 claimed w1\ne1 canceled"), 5) == []


@pytest.mark.parametrize(
    ("state", "attempt", "rules"),
    [("ready", 2, []), ("ready", 1, ["attempts"]), ("ready", 3, ["attempts"]), ("failed", 3, [])],
)
def test_one_death_costs_one_attempt(state: str, attempt: int, rules: list[str]) -> None:
    export = ExportFact(id="e1", state=state, attempt=attempt)
    found = one_more_attempt([orphan_of_examples()], [export])
    assert [violation.rule for violation in found] == rules


SECONDS = st.integers(0, 80).map(lambda tenths: tenths / 10)


@given(
    events=st.lists(
        st.tuples(
            SECONDS, st.sampled_from(["claimed w1", "claimed w2", "returned", "ready", "beats"])
        ),
        max_size=10,
    ),
    heartbeat=SECONDS,
    watched_from=SECONDS,
    attempt=st.integers(1, 3),
)
def test_agrees_with_the_oracle(
    events: list[tuple[float, str]], heartbeat: float, watched_from: float, attempt: int
) -> None:
    lines = [f"e1 {what} @{at}" for at, what in sorted(events)]
    transitions = transitions_of("\n".join(["e1 queued @0", *lines]))
    orphan = Orphan(
        export_id="e1",
        attempt=attempt,
        heartbeat_at=MIDNIGHT + timedelta(seconds=heartbeat),
        worker="w1",
        where="SIGKILL",
    )
    times = RecoveryTimes(stuck_timeout_s=2, sweep_interval_s=1, slack_s=0.5)
    ended = [
        (step.at - MIDNIGHT).total_seconds()
        for step in transitions
        if step.old_state == "preparing"
        and step.old_attempt == attempt
        and (step.new_state, step.new_attempt) != ("preparing", attempt)
    ]
    # In tenths: floats of seconds would disagree with timedelta at the very boundary.
    latest = round(max(heartbeat + 2, watched_from) * 10) + 15
    late = not ended or round(ended[0] * 10) > latest
    early = bool(ended) and not late and round(ended[0] * 10) < round(heartbeat * 10) + 20
    found = reclaimed_in_time(
        [orphan],
        transitions,
        times,
        watched_from=MIDNIGHT + timedelta(seconds=watched_from),
    )
    rules = ["reclaimed-late"] * late + ["reclaimed-early"] * early
    assert [violation.rule for violation in found] == rules
