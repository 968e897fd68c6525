"""Traces of queues that say less, or do it otherwise, than the contract's."""

from dataclasses import replace

import pytest

from harness.explore.protocol.protocol import State
from harness.explore.rules.invariants import violations
from harness.explore.scripts.scenario import Act, Kind
from harness.explore.trace import Call, Committed, Ended, ExportState, Hold, Moment, SqlError

from .test_invariants import STATE, A, B, Story, claimed, hold, owned, row

DOING = row("preparing", 1, "t1")


def silent_recovery(worker: int = B, number: int = 0) -> Ended:
    """It does not say what it took back."""
    return Ended(call=Call(number=number, worker=worker, act=Act(kind=Kind.RECOVER)))


def committed(story: Story, step: Ended, after: ExportState | None) -> Story:
    """The commit of a step that was left open, or its rollback."""
    kind = Kind.COMMIT if after else Kind.ROLLBACK
    call = Call(number=len(story.moments) + 1, worker=step.call.worker, act=Act(kind=kind))
    steps = replace(step, call=replace(step.call, number=len(story.moments)))
    events = (Ended(call=call), Committed(steps=(steps,))) if after else (Ended(call=call),)
    story.moments.append(Moment(call=call, events=events, after={"x": after} if after else None))
    return story


@pytest.mark.parametrize(
    ("after", "rules"),
    [(row("queued", 1), ["not-drained"]), (DOING, ["not-recovered"]), (None, [])],
    ids=["took", "left", "rolled back"],
)
def test_recovery_without_ids_is_judged_once_it_has_committed(
    after: ExportState | None, rules: list[str]
) -> None:
    story = Story().claim(A, 1, "t1").age(DOING)
    story.add(B, Kind.RECOVER, DOING, silent_recovery(), held=True)
    assert committed(story, silent_recovery(), after).rules() == rules


def test_recovery_without_ids_that_takes_a_live_one() -> None:
    story = Story().claim(A, 1, "t1").add(B, Kind.RECOVER, row("queued", 1), silent_recovery())
    assert story.rules() == ["stolen-live", "not-drained"]


def test_a_heartbeat_that_returns_nothing_is_a_sign_of_life() -> None:
    beat = replace(owned(A, Kind.HEARTBEAT, hold(1, "t1"), True), acknowledged=(None,))
    story = Story().claim(A, 1, "t1").age(DOING).add(A, Kind.HEARTBEAT, DOING, beat)
    assert story.add(B, Kind.RECOVER, DOING, silent_recovery()).rules() == []


def test_a_completion_that_returns_nothing_and_does_nothing() -> None:
    nothing = replace(owned(A, Kind.COMPLETE, hold(1, "t1"), True), acknowledged=(None,))
    story = Story().claim(A, 1, "t1").add(A, Kind.COMPLETE, DOING, nothing)
    assert story.rules() == ["owner-refused"]


def refused(sqlstate: str, attempt: int = 1) -> Ended:
    step = owned(A, Kind.COMPLETE, hold(attempt, f"t{attempt}"), True)
    return replace(step, acknowledged=(), error=SqlError(sqlstate=sqlstate, message="not yours"))


@pytest.mark.parametrize(("sqlstate", "rules"), [("LEASE", []), ("42702", ["step-raised"])])
def test_a_stale_token_may_be_refused_by_an_error(sqlstate: str, rules: list[str]) -> None:
    story = Story().claim(A, 1, "t1").age(DOING).recover(B, row("queued", 1)).claim(B, 2, "t2")
    story.add(A, Kind.COMPLETE, None, refused(sqlstate), held=True)
    assert story.rules() == rules


def test_an_owner_may_not() -> None:
    story = Story().claim(A, 1, "t1").add(A, Kind.COMPLETE, None, refused("LEASE"), held=True)
    assert story.rules() == ["step-raised"]


DELETING = State(query="SELECT", deleted_by=("complete",))


def deleted(story: Story, kind: Kind, said: bool | None = True, of: Hold | None = None) -> Story:
    step = replace(owned(A, kind, of or hold(1, "t1"), True), acknowledged=(said,))
    story.add(A, kind, row(), step)
    story.moments[-1] = replace(story.moments[-1], after={})
    return story


def test_deletion_ends_an_export_where_the_file_says_so() -> None:
    done = deleted(Story().claim(A, 1, "t1"), Kind.COMPLETE).trace()
    assert violations(done, DELETING) == []
    assert [each.rule for each in violations(done, STATE)] == ["lost"]
    failed = deleted(Story().claim(A, 1, "t1"), Kind.FAIL).trace()
    assert [each.rule for each in violations(failed, DELETING)] == ["lost"]


@pytest.mark.parametrize("said", [True, None])
def test_deletion_by_a_stale_token(said: bool | None) -> None:
    story = Story().claim(A, 1, "t1").age(DOING).recover(B, row("queued", 1)).claim(B, 2, "t2")
    found = violations(deleted(story, Kind.COMPLETE, said).trace(), DELETING)
    assert [each.rule for each in found] == ["stale-token"]


def test_what_was_deleted_does_not_come_back() -> None:
    story = deleted(Story().claim(A, 1, "t1"), Kind.COMPLETE).add(B, Kind.CLAIM, row("queued", 1))
    assert "terminal-changed" in [each.rule for each in violations(story.trace(), DELETING)]


def test_a_lease_that_ran_out_may_be_taken_over() -> None:
    story = Story(takes_over=True).claim(A, 1, "t1").age(DOING).claim(B, 2, "t2")
    late = owned(A, Kind.COMPLETE, hold(1, "t1"), False)
    story.add(A, Kind.COMPLETE, row("preparing", 2, "t2"), late)
    assert story.rules() == []
    assert replace(story, takes_over=False).rules() == ["claimed-twice"]


def test_a_lease_that_has_not_run_out_may_not() -> None:
    story = Story(takes_over=True).claim(A, 1, "t1")
    assert replace(story, moments=[*story.moments]).claim(B, 2, "t2").rules() == ["claimed-twice"]
    story.age(DOING).owner(A, Kind.HEARTBEAT, hold(1, "t1"), True, DOING)
    assert story.claim(B, 2, "t2").rules() == ["claimed-twice"]


def test_the_owner_of_a_lease_that_ran_out_may_be_refused_or_go_on() -> None:
    story = Story(takes_over=True).claim(A, 1, "t1").age(DOING)
    story.owner(A, Kind.HEARTBEAT, hold(1, "t1"), False, DOING)
    assert story.rules() == []
    assert story.owner(A, Kind.COMPLETE, hold(1, "t1"), True, row("ready", 1)).rules() == []


def test_a_state_that_follows_from_the_time_changes_by_itself() -> None:
    """A visibility timeout that has run out is seen as queued before anyone claims it."""
    story = Story(takes_over=True).claim(A, 1, "t1").age(row("queued", 1, "t1"))
    assert story.claim(B, 2, "t2").rules() == []


def test_what_has_run_out_does_not_count_for_the_cap() -> None:
    silent, fresh = replace(DOING, token="t1"), replace(row("preparing", 1, "t9"), id="y")
    story = Story(takes_over=True, cap=1).claim(A, 1, "t1").age(silent)
    mine = replace(claimed(B, 1, "t9"), claimed=(Hold(export="y", token="t9", attempt=1),))
    story.add(B, Kind.CLAIM, None, mine)
    waiting = replace(row(), id="y")
    first, second, third = story.moments
    trace = replace(
        story.trace(),
        before={"x": row(), "y": waiting},
        moments=(
            replace(first, after={"x": DOING, "y": waiting}),
            replace(second, after={"x": silent, "y": waiting}),
            replace(third, after={"x": silent, "y": fresh}),
        ),
    )
    assert violations(trace, STATE) == []


def test_attempts_that_a_claim_does_not_return_are_read_from_the_state() -> None:
    nameless = Hold(export="x", token="t1", attempt=None)
    claim = replace(claimed(A, 1, "t1"), claimed=(nameless,))
    story = Story(attempts=1).add(A, Kind.CLAIM, DOING, claim).age(DOING)
    assert replace(story, moments=[*story.moments]).recover(B, row("failed", 1)).rules() == []
    assert story.recover(B, row("queued", 1)).rules() == ["attempts-bound", "not-drained"]


def test_a_number_as_a_token_counts_for_its_export() -> None:
    trace = Story().claim(A, 1, "1").trace()
    assert violations(trace, STATE, {"y/1"}) == []
    assert [each.rule for each in violations(trace, STATE, {"x/1"})] == ["token-repeated"]
