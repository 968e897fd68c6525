from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checkers import PolledState, impossible_sequences
from harness.checkers.polled_states import ACCEPTS, REJECTS


@pytest.mark.parametrize("life", ACCEPTS.values(), ids=ACCEPTS)
def test_lives_that_exports_may_have(life: Sequence[PolledState]) -> None:
    assert impossible_sequences(life, max_attempts=3) == []


@pytest.mark.parametrize(("rule", "life"), REJECTS.values(), ids=REJECTS)
def test_lives_that_no_export_can_have(rule: str, life: Sequence[PolledState]) -> None:
    assert {found.rule for found in impossible_sequences(life, max_attempts=3)} == {rule}


def test_lives_of_several_exports_are_told_apart() -> None:
    seen = [
        PolledState(export_id="a", state="preparing", attempt=2, claimed_by="w1"),
        PolledState(export_id="b", state="preparing", attempt=1, claimed_by="w2"),
        PolledState(export_id="a", state="ready", attempt=2, claimed_by="w1"),
        PolledState(export_id="b", state="queued", attempt=0, claimed_by=None),
    ]
    (found,) = impossible_sequences(seen, max_attempts=3)
    assert (found.subject, found.rule) == ("b", "attempts-lost")


POLLS = st.lists(
    st.builds(
        PolledState,
        export_id=st.sampled_from(["a", "b"]),
        state=st.sampled_from(["queued", "preparing", "ready", "failed", "canceled"]),
        attempt=st.integers(0, 5),
        claimed_by=st.none(),
    ),
    max_size=10,
)


@given(polls=POLLS)
def test_agrees_with_the_oracle(polls: list[PolledState]) -> None:
    expected = set()
    for at, after in enumerate(polls):
        earlier = [each for each in polls[:at] if each.export_id == after.export_id]
        before = earlier[-1] if earlier else None
        is_final = before is not None and before.state in {"ready", "canceled"}
        rules = {
            "over-attempts": after.attempt > 3,
            "undecided": is_final and before is not None and after.state != before.state,
            "attempts-lost": before is not None and after.attempt < before.attempt,
            "attempt-uncounted": before is not None
            and (before.state, after.state) == ("queued", "preparing")
            and after.attempt == before.attempt,
        }
        expected |= {(rule, after.export_id) for rule, is_broken in rules.items() if is_broken}
    found = impossible_sequences(polls, max_attempts=3)
    assert {(each.rule, each.subject) for each in found} == expected


@given(
    owners=st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["w1", "w2"])), max_size=8).map(
        sorted
    )
)
def test_owners_agree_with_the_oracle(owners: list[tuple[int, str]]) -> None:
    polls = [
        PolledState(export_id="a", state="preparing", attempt=attempt, claimed_by=owner)
        for attempt, owner in owners
    ]
    is_broken = any(len({who for n, who in owners if n == attempt}) > 1 for attempt, _ in owners)
    found = impossible_sequences(polls, max_attempts=3)
    assert [each.rule for each in found] == ["attempt-uncounted"] * is_broken
