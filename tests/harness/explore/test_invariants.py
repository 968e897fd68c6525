"""Traces written by hand: what must be accepted, and what must be rejected and by which rule."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from harness.explore.protocol.protocol import State
from harness.explore.rules.event_orders import judge_in_every_order
from harness.explore.rules.invariants import violations
from harness.explore.scripts.scenario import Act, Kind, Scenario, script
from harness.explore.trace import (
    Call,
    Committed,
    Ended,
    Event,
    ExportState,
    Hold,
    Moment,
    SqlError,
    Trace,
)

STATE = State(query="SELECT")
A, B, C = 0, 1, 2


def row(state: str = "queued", attempt: int = 0, token: str | None = None) -> ExportState:
    return ExportState(
        id="x",
        organization="o",
        state=state,
        attempt=attempt,
        token=token,
        owner=None,
        completions=1 if state == "ready" else 0,
    )


@dataclass
class Story:
    """One export and what workers do to it, step by step."""

    moments: list[Moment] = field(default_factory=list)
    cap: int = 3
    takes_over: bool = False
    attempts: int | None = None

    def add(
        self, worker: int, kind: Kind, after: ExportState | None, *events: Event, held: bool = False
    ) -> "Story":
        call = Call(number=len(self.moments) + 1, worker=worker, act=Act(kind=kind, held=held))
        own = [event for event in events if isinstance(event, Ended) and event.call.number == 0]
        renumbered: list[Event] = [
            replace(event, call=replace(event.call, number=call.number)) if event in own else event
            for event in events
        ]
        if not held and own:
            renumbered.insert(1, Committed(steps=(renumbered[0],)))  # type: ignore[arg-type]
        self.moments.append(
            Moment(
                call=call,
                events=tuple(renumbered),
                after=None if after is None else {"x": after},
            )
        )
        return self

    def claim(self, worker: int, attempt: int, token: str) -> "Story":
        return self.add(
            worker, Kind.CLAIM, row("preparing", attempt, token), claimed(worker, attempt, token)
        )

    def owner(self, worker: int, kind: Kind, hold: Hold, said: bool, after: ExportState) -> "Story":
        return self.add(worker, kind, after, owned(worker, kind, hold, said))

    def recover(self, worker: int, after: ExportState) -> "Story":
        return self.add(worker, Kind.RECOVER, after, recovered(worker))

    def age(self, after: ExportState) -> "Story":
        call = Call(number=0, worker=C, act=Act(kind=Kind.AGE))
        return self.add(C, Kind.AGE, after, Ended(call=call, took=("x",)))

    def rules(self) -> list[str]:
        return [each.rule for each in violations(self.trace(), STATE)]

    def trace(self) -> Trace:
        scenario = Scenario(title="t", scripts=(script("claim"),) * 3, cap=self.cap)
        return Trace(
            scenario=scenario,
            before={"x": row()},
            moments=tuple(self.moments),
            schedule=(),
            names={A: "A", B: "B", C: "C"},
            kinds=frozenset({Kind.CLAIM}),
            takes_over=self.takes_over,
            attempts=self.attempts,
        )


def hold(attempt: int, token: str) -> Hold:
    return Hold(export="x", token=token, attempt=attempt)


def claimed(worker: int, attempt: int, token: str, number: int = 0) -> Ended:
    call = Call(number=number, worker=worker, act=Act(kind=Kind.CLAIM), limit=1)
    return Ended(call=call, claimed=(hold(attempt, token),))


def owned(worker: int, kind: Kind, of: Hold, said: bool, number: int = 0) -> Ended:
    call = Call(number=number, worker=worker, act=Act(kind=kind), holds=(of,))
    return Ended(call=call, acknowledged=(said,))


def recovered(worker: int, number: int = 0, *took: str) -> Ended:
    call = Call(number=number, worker=worker, act=Act(kind=Kind.RECOVER))
    return Ended(call=call, took=took or ("x",))


def nothing_recovered(worker: int) -> Ended:
    call = Call(number=0, worker=worker, act=Act(kind=Kind.RECOVER))
    return Ended(call=call, took=())


def test_a_life() -> None:
    story = (
        Story()
        .claim(A, 1, "t1")
        .owner(A, Kind.HEARTBEAT, hold(1, "t1"), True, row("preparing", 1, "t1"))
    )
    assert story.owner(A, Kind.COMPLETE, hold(1, "t1"), True, row("ready", 1)).rules() == []


def test_a_zombie_that_changes_nothing() -> None:
    story = Story().claim(A, 1, "t1").age(row("preparing", 1, "t1")).recover(B, row("queued", 1))
    story.claim(B, 2, "t2")
    story.owner(A, Kind.COMPLETE, hold(1, "t1"), False, row("preparing", 2, "t2"))
    assert story.rules() == []


def test_a_zombie_that_is_believed() -> None:
    story = Story().claim(A, 1, "t1").age(row("preparing", 1, "t1")).recover(B, row("queued", 1))
    story.claim(B, 2, "t2")
    story.owner(A, Kind.COMPLETE, hold(1, "t1"), True, row("ready", 2))
    assert story.rules() == ["stale-token"]


def test_a_zombie_that_is_told_nothing_and_changes_the_row() -> None:
    story = Story().claim(A, 1, "t1").age(row("preparing", 1, "t1")).recover(B, row("queued", 1))
    story.claim(B, 2, "t2")
    touched = replace(row("preparing", 2, "t2"), rest=("later",))
    assert story.owner(A, Kind.HEARTBEAT, hold(1, "t1"), False, touched).rules() == ["stale-token"]


def test_two_claims_without_a_recovery_between_them() -> None:
    assert Story().claim(A, 1, "t1").claim(B, 2, "t2").rules() == ["claimed-twice"]


def test_a_token_again() -> None:
    story = Story().claim(A, 1, "t").age(row("preparing", 1, "t")).recover(B, row("queued", 1))
    assert story.claim(B, 2, "t").rules() == ["token-repeated"]


def test_a_token_of_an_earlier_interleaving() -> None:
    found = violations(Story().claim(A, 1, "t").trace(), STATE, {"t"})
    assert [each.rule for each in found] == ["token-repeated"]


def test_an_attempt_that_does_not_rise() -> None:
    story = Story().claim(A, 1, "t1").age(row("preparing", 1, "t1")).recover(B, row("queued", 1))
    assert story.claim(B, 1, "t2").rules() == ["attempt-not-risen"]


def test_recovery_of_a_live_one() -> None:
    assert Story().claim(A, 1, "t1").recover(B, row("queued", 1)).rules()[0] == "stolen-live"
    beaten = Story().claim(A, 1, "t1").age(row("preparing", 1, "t1"))
    beaten.owner(A, Kind.HEARTBEAT, hold(1, "t1"), True, row("preparing", 1, "t1"))
    assert beaten.recover(B, row("queued", 1)).rules()[0] == "stolen-live"


def test_recovery_that_leaves_what_is_silent() -> None:
    story = Story().claim(A, 1, "t1").age(row("preparing", 1, "t1"))
    story.add(B, Kind.RECOVER, row("preparing", 1, "t1"), nothing_recovered(B))
    assert story.rules() == ["not-recovered"]


def test_over_the_cap() -> None:
    story = Story(cap=1).claim(A, 1, "t1")
    second = replace(row("preparing", 1, "t9"), id="y")
    moment = story.moments[0]
    call = replace(moment.call, worker=B)
    both = {"x": row("preparing", 1, "t1"), "y": second}
    mine = replace(claimed(B, 1, "t9"), claimed=(Hold(export="y", token="t9", attempt=1),))
    trace = replace(
        story.trace(),
        before={"x": row(), "y": replace(row(), id="y")},
        moments=(
            replace(moment, after={"x": row("preparing", 1, "t1"), "y": replace(row(), id="y")}),
            Moment(call=call, events=(mine, Committed(steps=(mine,))), after=both),
        ),
    )
    assert [each.rule for each in violations(trace, STATE)] == ["over-cap"]


def test_gone_changed_back_and_nobody_s() -> None:
    gone = Story().claim(A, 1, "t1")
    gone.moments[0] = replace(gone.moments[0], after={})
    assert gone.rules() == ["lost"]
    done = Story().claim(A, 1, "t1").owner(A, Kind.COMPLETE, hold(1, "t1"), True, row("ready", 1))
    done.add(B, Kind.CLAIM, row("queued", 1))
    assert "terminal-changed" in done.rules()
    assert Story().add(B, Kind.CLAIM, row("preparing", 1, "t")).rules() == ["owned-by-nobody"]
    assert "unknown-state" in Story().add(B, Kind.CLAIM, row("lost in thought")).rules()


def test_a_completion_recorded_twice() -> None:
    twice = replace(row("ready", 1), completions=2)
    story = Story().claim(A, 1, "t1").owner(A, Kind.COMPLETE, hold(1, "t1"), True, twice)
    assert story.rules() == ["completed-twice"]


def test_an_owner_that_is_refused() -> None:
    story = Story().claim(A, 1, "t1")
    story.owner(A, Kind.COMPLETE, hold(1, "t1"), False, row("preparing", 1, "t1"))
    assert story.rules() == ["owner-refused"]


def test_a_failure_that_queues_again() -> None:
    story = Story().claim(A, 1, "t1")
    story.owner(A, Kind.FAIL, hold(1, "t1"), True, row("queued", 1))
    assert story.rules() == ["ended-otherwise", "not-drained"]


def test_an_error_and_a_deadlock() -> None:
    for sqlstate, rules in (("42702", ["step-raised", "not-drained"]), ("40P01", ["not-drained"])):
        call = Call(number=0, worker=A, act=Act(kind=Kind.CLAIM))
        raised = Ended(call=call, error=SqlError(sqlstate=sqlstate, message="no"))
        story = Story().add(A, Kind.CLAIM, None, raised, held=True)
        assert story.rules() == rules


def two_let_go(first: Sequence[Event], second: Sequence[Event]) -> Story:
    """A commit of C's lets two others go on; their answers came in this order."""
    story = Story().claim(A, 1, "t1")
    call = Call(number=2, worker=C, act=Act(kind=Kind.COMMIT))
    story.moments.append(
        Moment(call=call, events=(*first, *second), after={"x": row("preparing", 2, "t2")})
    )
    return story


def test_answers_that_came_in_another_order_accuse_nobody() -> None:
    release = owned(A, Kind.RELEASE, hold(1, "t1"), True, number=5)
    claim = claimed(B, 2, "t2", number=6)
    released: list[Event] = [release, Committed(steps=(release,))]
    taken: list[Event] = [claim, Committed(steps=(claim,))]
    assert two_let_go(released, taken).rules() == []
    swapped = two_let_go(taken, released)
    assert swapped.rules() != []
    _, found = judge_in_every_order(swapped.trace(), lambda trace: violations(trace, STATE))
    assert found == []


def test_no_order_excuses_two_owners() -> None:
    first, second = claimed(B, 2, "t2", number=5), claimed(C, 3, "t3", number=6)
    story = two_let_go([first, Committed(steps=(first,))], [second, Committed(steps=(second,))])
    _, found = judge_in_every_order(story.trace(), lambda trace: violations(trace, STATE))
    assert "claimed-twice" in {each.rule for each in found}
