"""The checker of the per-organisation cap, against examples and a brute-force oracle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checkers import Transition, per_organization_cap
from harness.checkers.cap import ACCEPTS, CAP_OF_EXAMPLES, REJECTS, most_in_progress
from harness.checkers.examples import Example, transitions_of


@pytest.mark.parametrize("good", ACCEPTS, ids=lambda each: each.title)
def test_accepts(good: Example) -> None:
    assert per_organization_cap(good.transitions, CAP_OF_EXAMPLES) == []


@pytest.mark.parametrize("bad", REJECTS, ids=lambda each: each.title)
def test_rejects_the_very_claim(bad: Example) -> None:
    [over] = per_organization_cap(bad.transitions, CAP_OF_EXAMPLES)
    assert over.rule == bad.rule
    assert over.subject == "o1"
    assert "o1.e3" in over.got
    assert "3 at once" in over.got


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["o1.e1", "o1.e2", "o1.e3", "o1.e4", "o2.e5", "o2.e6"]),
        st.sampled_from(["queued", "claimed w1", "claimed w2", "returned", "ready", "failed"]),
    ),
    max_size=20,
)


@given(steps=STEPS, cap=st.integers(1, 3))
def test_agrees_with_the_oracle(steps: list[tuple[str, str]], cap: int) -> None:
    transitions = transitions_of("\n".join(" ".join(step) for step in steps))
    over = [
        step
        for step in transitions
        if step.new_state == "preparing"
        and step.old_state != "preparing"
        and in_progress(transitions, step) > cap
    ]
    found = per_organization_cap(transitions, cap)
    assert [each.subject for each in found] == [step.organization_id for step in over]
    most: dict[str, int] = {}
    for step in transitions:
        count = in_progress(transitions, step)
        most[step.organization_id] = max(most.get(step.organization_id, 0), count)
    assert most_in_progress(transitions) == most


def in_progress(transitions: list[Transition], now: Transition) -> int:
    """Count the organization's exports whose last change up to `now` left them preparing."""
    last = {step.export_id: step for step in transitions if step.n <= now.n}
    return sum(
        step.new_state == "preparing" and step.organization_id == now.organization_id
        for step in last.values()
    )
