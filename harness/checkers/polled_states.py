"""Are the states of an export, polled over HTTP, possible in this order?

Anything may have happened between two polls, so only what no sequence of changes explains is a
violation.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.checkers.violations import Violation
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


def impossible_sequences(polled: Iterable[PolledState], *, max_attempts: int) -> list[Violation]:
    """Give every state that cannot follow the ones before it.

    They are in the order of time, and no client retried or canceled an export meanwhile. Time is
    linear in their number.
    """
    by_export: dict[str, list[PolledState]] = {}
    for one in polled:
        by_export.setdefault(one.export_id, []).append(one)
    return [found for states in by_export.values() for found in _impossible(states, max_attempts)]


def _impossible(states: Sequence[PolledState], max_attempts: int) -> Iterator[Violation]:
    for one in states:
        if one.attempt > max_attempts:
            yield _violation(
                "over-attempts", one, f"at most {max_attempts} attempts", one.describe()
            )
            break
    owners: dict[int, str] = {}
    for before, after in itertools.pairwise(states):
        got = f"{before.describe()}, then {after.describe()}"
        if before.state in FINAL_STATES and after.state != before.state:
            yield _violation("undecided", after, f"{before.state} to stay {before.state}", got)
        if after.attempt < before.attempt:
            yield _violation("attempts-lost", after, "attempts to rise only", got)
        elif after.attempt == before.attempt and (before.state, after.state) == (
            QUEUED,
            PREPARING,
        ):
            yield _violation("attempt-uncounted", after, "each claim to be a new attempt", got)
    for one in states:
        if one.claimed_by is None or one.state != PREPARING:
            continue
        owner = owners.setdefault(one.attempt, one.claimed_by)
        if owner != one.claimed_by:
            yield _violation(
                "attempt-uncounted",
                one,
                f"attempt {one.attempt} to have one owner, {owner}",
                one.describe(),
            )
            break


def _violation(rule: str, one: PolledState, expected: str, got: str) -> Violation:
    return Violation(
        rule=rule,
        subject=one.export_id,
        expected=f"of export {one.export_id} {expected}",
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
