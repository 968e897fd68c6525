"""How violations fail a check: by the contract's rule, with the changes that show them."""

from datetime import UTC, datetime

import pytest

from harness.checkers import Transition, Violation, expect_no_violations
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
