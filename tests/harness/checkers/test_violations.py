"""How violations fail a check: by the contract's rule, with the changes that show them."""

from datetime import UTC, datetime

import pytest

from harness.checkers import Transition, Violation, expect_no_violations, failures_of
from harness.checkers.violations import RULES
from harness.errors import CheckFailed
from harness.findings.rule import rules


def _step(export_id: str, old: str | None, new: str) -> Transition:
    return Transition(
        n=1,
        at=datetime(2026, 1, 31, 12, tzinfo=UTC),
        export_id=export_id,
        organization_id="org",
        old_state=old,
        new_state=new,
        old_attempt=None,
        new_attempt=1,
        old_claimed_by=None,
        new_claimed_by="w1",
    )


def test_every_rule_that_violations_name_has_a_sentence() -> None:
    assert set(RULES.values()) <= rules().keys()


def test_the_same_fault_has_the_same_rule_and_aspect_whatever_the_export() -> None:
    made = []
    for export_id in ("e1", "zz"):
        violation = Violation(
            rule="lost", subject=export_id, expected=f"{export_id} there", got="gone"
        )
        with pytest.raises(CheckFailed) as failed:
            expect_no_violations([violation])
        made.append((failed.value.rule, failed.value.aspect))
    assert made == [("export.once", "lost")] * 2


def test_the_changes_of_the_subject_are_the_evidence() -> None:
    steps = [
        _step("e1", None, "queued"),
        _step("e2", None, "queued"),
        _step("e1", "ready", "failed"),
    ]
    violation = Violation(rule="undecided", subject="e1", expected="ready", got="failed")
    with pytest.raises(CheckFailed) as failed:
        expect_no_violations([violation], transitions=steps)
    (evidence,) = failed.value.evidence
    assert evidence.kind == "transitions"
    assert evidence.text.splitlines() == [steps[0].describe(), steps[2].describe()]
    of_org = Violation(rule="over-cap", subject="org", expected="at most 3", got="4")
    with pytest.raises(CheckFailed) as failed:
        expect_no_violations([of_org], transitions=steps)
    assert len(failed.value.evidence[0].text.splitlines()) == len(steps)


def _violation(rule: str, subject: str) -> Violation:
    return Violation(rule=rule, subject=subject, expected=f"no {rule} of {subject}", got="some")


def test_each_rule_is_one_failure_whatever_the_ids() -> None:
    cap, lost = failures_of(
        [_violation("lost", "e1"), _violation("over-cap", "o1"), _violation("lost", "e2")]
    )
    assert cap.rule == "export.cap"
    assert (lost.rule, lost.subject, lost.aspect) == ("export.once", "", "")
    assert "e2" in lost.detail


def test_what_follows_from_something_else_is_no_failure_of_its_own() -> None:
    found = [
        _violation("not-ready", "e1"),
        _violation("reclaimed-late", "e1"),
        _violation("not-ready", "e2"),
    ]
    late, not_ready = failures_of(found)
    assert late.rule == "recovery.in-time"
    assert "e2" in not_ready.expected
    assert failures_of(found, explained={"e1", "e2"}) == []


def test_kinds_of_one_rule_are_one_failure_whichever_comes_first() -> None:
    [failure] = failures_of([_violation("reclaimed-early", "e1"), _violation("stolen", "e2")])
    assert failure.expected == "no stolen of e2 [stolen]"
    assert "reclaimed-early" in failure.detail


def test_a_kind_without_a_rule_breaks_the_rule_of_its_check() -> None:
    [failure] = failures_of([_violation("new", "e1")])
    assert failure.rule == ""
