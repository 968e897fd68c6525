"""Are the states of an export, polled over HTTP, possible in this order?

Anything may have happened between two polls, so only what no sequence of changes explains is a
violation.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.checkers.as_entries import FIXED
from harness.checkers.fold import (
    CODES,
    OTHER,
    STATE_NAMES,
    Checker,
    Facts,
    NotLookedAt,
    Taker,
    fold,
    kept_attempt,
)
from harness.checkers.violations import Violation
from harness.history.entries import Entry, Judge, Poll, Promise
from harness.vocabulary.exports import FINAL_STATES, PREPARING, QUEUED


@dataclass(frozen=True, kw_only=True)
class PolledState:
    """The state of an export at one poll."""

    export_id: str
    state: str
    attempt: int
    claimed_by: str | None = None

    def describe(self) -> str:
        """Say what was seen."""
        by = f" by {self.claimed_by}" if self.claimed_by else ""
        return f"{self.state} at attempt {self.attempt}{by}"


class PossibleSequence(Checker):
    """Polled states can follow each other, if no client retried or canceled meanwhile."""

    name = "possible-sequence"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._polls = 0
        self._state = facts.column("B")
        self._attempt = facts.column("i")
        self._owned = facts.column("i")
        """The last attempt of which the owner was seen, and who that was."""
        self._owner = facts.column("H")
        self._told = facts.column("B")
        """What was found already, once of each export."""
        self._owners: dict[str, int] = {}

    @property
    def takes(self) -> Mapping[type[Entry], Taker]:
        """Every poll."""
        return {Poll: self._take}

    def _take(self, poll: Poll, number: int) -> None:
        self._polls += 1
        most, told = self.facts.promise.max_attempts, self._told[number]
        if most is not None and poll.attempt > most and not told & _OVER:
            self._told[number] |= _OVER
            self._tell("over-attempts", poll, f"at most {most} attempts", _described(poll))
        state, attempt = self._state[number], self._attempt[number]
        if state:
            self._compare(poll, state, attempt)
        if poll.worker is not None and poll.state == PREPARING:
            self._owned_by(poll, poll.worker, number)
        self._state[number] = CODES.get(poll.state, OTHER)
        self._attempt[number] = kept_attempt(poll.attempt)

    def _compare(self, poll: Poll, state: int, attempt: int) -> None:
        before = STATE_NAMES[state]
        got = f"{before} at attempt {attempt}, then {_described(poll)}"
        if before in FINAL_STATES and poll.state != before:
            self._tell("undecided", poll, f"{before} to stay {before}", got)
        if poll.attempt < attempt:
            self._tell("attempts-lost", poll, "attempts to rise only", got)
        elif poll.attempt == attempt and (before, poll.state) == (QUEUED, PREPARING):
            self._tell("attempt-uncounted", poll, "each claim to be a new attempt", got)

    def _owned_by(self, poll: Poll, worker: str, number: int) -> None:
        owner = self._owners.setdefault(worker, len(self._owners) + 1)
        if self._owner[number] and self._owned[number] == poll.attempt:
            if self._owner[number] != owner and not self._told[number] & _TWO_OWNERS:
                self._told[number] |= _TWO_OWNERS
                what = f"attempt {poll.attempt} to have one owner"
                self._tell("attempt-uncounted", poll, what, _described(poll))
            return
        self._owner[number], self._owned[number] = owner, poll.attempt

    def _tell(self, rule: str, poll: Poll, expected: str, got: str) -> None:
        self.found.append(_violation(rule, poll, expected, got))

    def violations(self, judge: Judge) -> list[Violation]:  # noqa: ARG002 - every checker's
        """Give every state that cannot follow the ones before it."""
        if not self._polls:
            raise NotLookedAt("no export was polled over HTTP")
        return self.found


_OVER, _TWO_OWNERS = 1, 2


def impossible_sequences(polled: Iterable[PolledState], *, max_attempts: int) -> list[Violation]:
    """Give every state that cannot follow the ones before it.

    They are in the order of time, and no client retried or canceled an export meanwhile. Time is
    linear in their number.
    """
    given: list[Entry] = [Promise(max_attempts=max_attempts, **FIXED)]
    given += (Poll(**FIXED, **poll_fields(each)) for each in polled)
    return fold([PossibleSequence], given, Judge(what="", **FIXED))


def poll_fields(one: PolledState) -> dict[str, Any]:
    """Give the fields of the entry of a poll."""
    return {
        "job": one.export_id,
        "state": one.state,
        "attempt": one.attempt,
        "worker": one.claimed_by,
    }


def _described(poll: Poll) -> str:
    return PolledState(
        export_id=poll.job, state=poll.state, attempt=poll.attempt, claimed_by=poll.worker
    ).describe()


def _violation(rule: str, one: Poll, expected: str, got: str) -> Violation:
    return Violation(
        rule=rule,
        subject=one.job,
        expected=f"of export {one.job} {expected}",
        got=got,
    )


def _seen(*states: tuple[str, int, str | None]) -> tuple[PolledState, ...]:
    return tuple(
        PolledState(export_id="e1", state=state, attempt=attempt, claimed_by=owner)
        for state, attempt, owner in states
    )


ACCEPTS: Mapping[str, Sequence[PolledState]] = {
    "a plain states": _seen(("queued", 0, None), ("preparing", 1, "w1"), ("ready", 1, "w1")),
    "seen once": _seen(("ready", 2, "w2")),
    "taken over": _seen(("preparing", 1, "w1"), ("preparing", 2, "w2"), ("ready", 2, "w2")),
    "returned, taken": _seen(("preparing", 1, "w1"), ("queued", 1, None), ("preparing", 2, "w1")),
    "given up": _seen(("preparing", 3, "w1"), ("failed", 3, None)),
}  # fmt: skip

REJECTS: Mapping[str, tuple[str, Sequence[PolledState]]] = {
    "ready and then not": ("undecided", _seen(("ready", 1, "w1"), ("preparing", 2, "w2"))),
    "attempts begun anew": ("attempts-lost", _seen(("preparing", 1, "w1"), ("queued", 0, None))),
    "a claim not counted": (
        "attempt-uncounted",
        _seen(("preparing", 1, "w1"), ("queued", 1, None), ("preparing", 1, "w2")),
    ),
    "another owner, not counted": (
        "attempt-uncounted",
        _seen(("preparing", 1, "w1"), ("preparing", 1, "w2")),
    ),
    "tried for ever": ("over-attempts", _seen(("preparing", 4, "w1"))),
}
