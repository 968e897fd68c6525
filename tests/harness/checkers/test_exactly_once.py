"""The checker of exactly-once: hand-written histories, and an oracle that asks each rule anew."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checkers import CompletionFact, ExportFact, Transition, exactly_once
from harness.checkers.exactly_once import ACCEPTS, REJECTS
from harness.checkers.examples import Example, transitions_of


def judged(given_example: Example) -> set[str]:
    return {
        violation.rule
        for violation in exactly_once(
            given_example.accepted,
            given_example.exports,
            given_example.completions,
            given_example.transitions,
            harmed=given_example.harmed,
        )
    }


@pytest.mark.parametrize("good", ACCEPTS, ids=lambda each: each.title)
def test_accepts(good: Example) -> None:
    assert judged(good) == set()


@pytest.mark.parametrize("bad", REJECTS, ids=lambda each: each.title)
def test_rejects_for_the_right_reason(bad: Example) -> None:
    assert bad.rule in judged(bad)


def test_every_rule_has_an_example() -> None:
    assert {bad.rule for bad in REJECTS} >= {
        "lost", "not-ready", "repeated", "two-owners", "completed-twice", "unrecorded",
        "completed-unready", "no-such-way", "undecided", "attempt",
    }  # fmt: skip


def test_a_claim_that_the_row_does_not_count_is_seen() -> None:
    [forgotten] = exactly_once(
        ["e1"],
        [ExportFact(id="e1", state="ready", attempt=1)],
        [CompletionFact(export_id="e1")],
        transitions_of("e1 queued\ne1 claimed w1\ne1 returned\ne1 claimed w2\ne1 ready"),
        harmed={"e1"},
    )
    assert forgotten.rule == "claims-miscounted"


def without_attempts(steps: str) -> tuple[list[ExportFact], list[Transition]]:
    """The end and the changes as a table shows them that keeps neither attempt nor owner."""
    bare = [
        replace(step, old_attempt=None, new_attempt=None, old_claimed_by=None, new_claimed_by=None)
        for step in transitions_of(steps)
    ]
    last = {step.export_id: step for step in bare}
    facts = [
        ExportFact(id=each.export_id, state=each.new_state, attempt=None) for each in last.values()
    ]
    return facts, bare


def test_where_no_attempt_is_kept_claims_are_counted() -> None:
    done = CompletionFact(export_id="e1")
    facts, steps = without_attempts("e1 queued, e1 claimed w1, e1 ready")
    assert exactly_once(["e1"], facts, [done], steps) == []
    facts, steps = without_attempts(
        "e1 queued, e1 claimed w1, e1 returned, e1 claimed w2, e1 ready"
    )
    assert [each.rule for each in exactly_once(["e1"], facts, [done], steps)] == ["repeated"]
    assert exactly_once(["e1"], facts, [done], steps, harmed={"e1"}) == []


def test_a_violation_names_the_export_the_worker_and_the_time() -> None:
    found = exactly_once(
        [], [], [], transitions_of("e1 queued\ne1 claimed w1\ne1 claimed w2 @2.25\ne1 ready")
    )
    two_owners = next(each for each in found if each.rule == "two-owners")
    assert "e1" in two_owners.expected
    assert "w1" in two_owners.expected
    assert "w2" in two_owners.got
    assert "00:00:02.25" in two_owners.got


EXPORTS = ("e1", "e2", "e3")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(EXPORTS),
        st.sampled_from(
            ["queued", "claimed w1", "claimed w2", "returned", "ready", "failed", "canceled",
             "stamped w2", "reset"],
        ),
    ),
    max_size=14,
)  # fmt: skip
ENDS = st.lists(
    st.builds(
        ExportFact,
        id=st.sampled_from(EXPORTS),
        state=st.sampled_from(["queued", "preparing", "ready", "failed", "canceled"]),
        attempt=st.integers(0, 3),
    ),
    unique_by=lambda export: export.id,
)


@given(
    accepted=st.lists(st.sampled_from(EXPORTS)),
    exports=ENDS,
    completions=st.lists(st.builds(CompletionFact, export_id=st.sampled_from(EXPORTS))),
    steps=STEPS,
    harmed=st.sets(st.sampled_from(EXPORTS)),
)
def test_agrees_with_the_oracle(
    accepted: list[str],
    exports: list[ExportFact],
    completions: list[CompletionFact],
    steps: list[tuple[str, str]],
    harmed: set[str],
) -> None:
    transitions = transitions_of("\n".join(" ".join(step) for step in steps))
    found = exactly_once(accepted, exports, completions, transitions, harmed=harmed)
    subjects = {(each.rule, each.subject) for each in found}
    assert subjects == set(oracle(accepted, exports, completions, transitions, harmed))


def oracle(
    accepted: list[str],
    exports: list[ExportFact],
    completions: list[CompletionFact],
    transitions: list[Transition],
    harmed: set[str],
) -> Iterable[tuple[str, str]]:
    """Ask every question of every export, each with a pass over everything."""
    for name in EXPORTS:
        ends = [export for export in exports if export.id == name]
        events = sum(event.export_id == name for event in completions)
        way = [step for step in transitions if step.export_id == name]
        wanted = name in accepted
        ready = bool(ends) and ends[0].state == "ready"
        rules = {
            "lost": wanted and not ends,
            "not-ready": wanted and bool(ends) and not ready,
            "repeated": wanted and ready and name not in harmed and ends[0].attempt != 1,
            "completed-twice": bool(ends) and events > 1,
            "unrecorded": ready and events == 0,
            "completed-unready": (bool(ends) and not ready and events == 1)
            or (not ends and events > 0),
            "two-owners": any(
                step.old_state == step.new_state == "preparing"
                and (step.old_attempt, step.old_claimed_by)
                != (step.new_attempt, step.new_claimed_by)
                for step in way
            ),
            "undecided": any(
                (step.old_state == "failed" and step.new_state not in {"failed", "queued"})
                or (step.old_state in {"ready", "canceled"} and step.new_state != step.old_state)
                for step in way
            ),
            "no-such-way": any(
                (step.old_state is None and step.new_state != "queued")
                or (step.old_state == "queued" and step.new_state in {"ready", "failed"})
                for step in way
            ),
            "attempt": any(
                (step.new_attempt or 0) - (step.old_attempt or 0) != step.is_claim for step in way
            ),
            "claims-miscounted": bool(ends)
            and ends[0].attempt != sum(step.is_claim for step in way),
        }
        yield from ((rule, name) for rule, broken in rules.items() if broken)
