"""Did an export, as it was seen over HTTP from time to time, live as exports may?

Between two looks anything may have happened, so only what no way could lead to is a violation.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.checkers.violations import Violation
from harness.vocabulary.exports import FINAL_STATES, PREPARING, QUEUED


@dataclass(frozen=True, kw_only=True)
class PolledState:
    """One look at an export."""

    export_id: str
    state: str
    attempt: int
    claimed_by: str | None = None

    def describe(self) -> str:
        """Say what was seen."""
        by = f" by {self.claimed_by}" if self.claimed_by else ""
        return f"{self.state} at attempt {self.attempt}{by}"


def impossible_sequences(sightings: Iterable[PolledState], *, max_attempts: int) -> list[Violation]:
    """Give everything that was seen and cannot be.

    Sightings are in the order of time, nobody retried or canceled an export meanwhile. Time is
    linear in their number.
    """
    lives: dict[str, list[PolledState]] = {}
    for sighting in sightings:
        lives.setdefault(sighting.export_id, []).append(sighting)
    return [found for life in lives.values() for found in _life(life, max_attempts)]


def _life(life: Sequence[PolledState], max_attempts: int) -> Iterator[Violation]:
    for sighting in life:
        if sighting.attempt > max_attempts:
            yield _violation(
                "over-attempts", sighting, f"at most {max_attempts} attempts", sighting.describe()
            )
            break
    owners: dict[int, str] = {}
    for before, after in itertools.pairwise(life):
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
    for sighting in life:
        if sighting.claimed_by is None or sighting.state != PREPARING:
            continue
        owner = owners.setdefault(sighting.attempt, sighting.claimed_by)
        if owner != sighting.claimed_by:
            yield _violation(
                "attempt-uncounted",
                sighting,
                f"attempt {sighting.attempt} to have one owner, {owner}",
                sighting.describe(),
            )
            break


def _violation(rule: str, sighting: PolledState, expected: str, got: str) -> Violation:
    return Violation(
        rule=rule,
        subject=sighting.export_id,
        expected=f"of export {sighting.export_id} {expected}",
        got=got,
    )


def _seen(*states: tuple[str, int, str | None]) -> tuple[PolledState, ...]:
    return tuple(
        PolledState(export_id="e1", state=state, attempt=attempt, claimed_by=owner)
        for state, attempt, owner in states
    )


ACCEPTS: Mapping[str, Sequence[PolledState]] = {
    "a plain life": _seen(("queued", 0, None), ("preparing", 1, "w1"), ("ready", 1, "w1")),
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
