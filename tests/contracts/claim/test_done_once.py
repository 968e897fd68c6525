from datetime import UTC, datetime, timedelta

import pytest

from contracts.claim.done_once import expect_done_once, reclaimed_after_silence
from harness.checkers import Transition, Violation
from harness.errors import CheckFailed
from harness.target import Target, load_target

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def target() -> Target:
    return load_target(None)


def taken_back(after_s: float | None, new_state: str = "queued") -> Transition:
    return Transition(
        n=1,
        at=NOON,
        export_id="e",
        organization_id="o",
        old_state="preparing",
        new_state=new_state,
        old_attempt=1,
        new_attempt=1,
        old_claimed_by="worker-1",
        new_claimed_by=None,
        heartbeat_at=None if after_s is None else NOON - timedelta(seconds=after_s),
    )


def test_only_what_was_silent_for_the_stuck_timeout_is_excused(target: Target) -> None:
    assert target.worker is not None
    timeout = target.worker.stuck_timeout_s
    assert reclaimed_after_silence([taken_back(timeout)], target) == {"e"}
    for step in (taken_back(timeout - 0.01), taken_back(None), taken_back(timeout, "ready")):
        assert reclaimed_after_silence([step], target) == set()
    assert reclaimed_after_silence(None, target) == set()


def test_causes_are_reported_first() -> None:
    def violation(rule: str) -> Violation:
        return Violation(rule=rule, subject="e", expected=f"no {rule}", got=rule)

    expect_done_once([])
    with pytest.raises(CheckFailed) as failure:
        expect_done_once([violation("repeated"), violation("two-owners")])
    assert failure.value.got == "two-owners"
    assert "no repeated" in failure.value.detail
