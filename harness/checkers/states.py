"""Did exports go only the ways that there are, with one owner, and was what is final final?"""

from collections.abc import Iterator, Mapping

from harness.checkers.fold import (
    CODES,
    NO_ATTEMPT,
    OTHER,
    Checker,
    Facts,
    Incomplete,
    NotLookedAt,
    Taker,
    described,
)
from harness.checkers.violations import Violation
from harness.history.entries import Entry, Judge, Transition
from harness.vocabulary.exports import FAILED, NEXT_STATES, PREPARING, QUEUED, TERMINAL_STATES

_WATCH = "no change of an export was recorded ([database] instrument = true)"


def expect_watched(judge: Judge) -> None:
    """Raise `NotLookedAt` where no changes of exports were recorded."""
    if not judge.watched:
        raise NotLookedAt(_WATCH)


class LegalTransitions(Checker):
    """An export has one owner at a time, goes only where it may, and a claim counts as one attempt.

    Each change is judged by itself: it has both the old state and the new one.
    """

    name = "legal-transitions"

    @property
    def takes(self) -> Mapping[type[Entry], Taker]:
        """Every change."""
        return {Transition: self._take}

    def _take(self, step: Transition, _: int) -> None:
        old, new = step.old_state, step.new_state
        is_claim = self.facts.is_claim
        if old == PREPARING and is_claim:
            self.found.append(
                Violation(
                    rule="two-owners",
                    subject=step.job,
                    expected=f"export {step.job} to have one owner at a time; "
                    f"{step.old_worker} held attempt {step.old_attempt}",
                    got=described(step),
                )
            )
        elif (
            old != new
            and old not in TERMINAL_STATES
            and new not in (allowed := NEXT_STATES.get(old, frozenset()))
        ):
            self.found.append(
                Violation(
                    rule="no-such-way",
                    subject=step.job,
                    expected=f"export {step.job} to go from {old or 'nothing'} to "
                    f"{' or '.join(sorted(allowed))} only",
                    got=described(step),
                )
            )
        if step.new_attempt is not None and (
            step.new_attempt - (step.old_attempt or 0) != int(is_claim)
        ):
            self.found.append(
                Violation(
                    rule="attempt",
                    subject=step.job,
                    expected=f"attempt of export {step.job} to "
                    + ("rise by one with a claim" if is_claim else "change with a claim only"),
                    got=f"from {step.old_attempt} to {step.new_attempt}: {described(step)}",
                )
            )

    def violations(self, judge: Judge) -> list[Violation]:
        """Give each change that must not be."""
        expect_watched(judge)
        return self.found


class FinalIsFinal(Checker):
    """What is ready, canceled or failed stays so; only a failed export may be queued again."""

    name = "final-is-final"

    @property
    def takes(self) -> Mapping[type[Entry], Taker]:
        """Every change."""
        return {Transition: self._take}

    def _take(self, step: Transition, _: int) -> None:
        old, new = step.old_state, step.new_state
        if old in TERMINAL_STATES and old != new and (old, new) != (FAILED, QUEUED):
            self.found.append(
                Violation(
                    rule="undecided",
                    subject=step.job,
                    expected=f"export {step.job} to stay {old}, which is final",
                    got=described(step),
                )
            )

    def violations(self, judge: Judge) -> list[Violation]:
        """Give each change of what was final."""
        expect_watched(judge)
        return self.found


class ClaimsCounted(Checker):
    """An export's attempt is the number of its claims; where none is kept, it is tried once."""

    name = "claims-counted"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._claims = facts.column("H")

    @property
    def takes(self) -> Mapping[type[Entry], Taker]:
        """Every change."""
        return {Transition: self._take}

    def _take(self, _: Transition, number: int) -> None:
        if self.facts.is_claim and self._claims[number] < _MOST:
            self._claims[number] += 1

    def violations(self, judge: Judge) -> Iterator[Violation]:
        """Give each export whose attempt is not the number of its claims."""
        facts = self.facts
        expect_watched(judge)
        if not judge.looked:
            raise NotLookedAt("no final states")
        for number, export_id in facts.looked_at():
            attempt, claims = facts.attempt[number], self._claims[number]
            if attempt != NO_ATTEMPT and claims != attempt:
                yield Violation(
                    rule="claims-miscounted",
                    subject=export_id,
                    expected=f"attempt of export {export_id} to rise by one with each claim",
                    got=f"attempt {attempt} after {claims} claims",
                )
            elif attempt == NO_ATTEMPT and claims > 1 and not facts.harmed[number]:
                if facts.state_name(number) != "ready":
                    continue
                yield Violation(
                    rule="repeated",
                    subject=export_id,
                    expected=f"export {export_id} to be claimed once: nothing disturbed its worker",
                    got=f"{claims} claims",
                )


_MOST = 65_535


class NoGap(Checker):
    """Every change begins where the one before it ended: else a line is missing.

    This is no sentence of the contract, but what all others rest on.
    """

    name = "no-gap"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._last = facts.column("B")
        self._gap = ""

    @property
    def takes(self) -> Mapping[type[Entry], Taker]:
        """Every change."""
        return {Transition: self._take}

    def _take(self, step: Transition, number: int) -> None:
        last = CODES.get(step.old_state, OTHER)
        if self._last[number] != last and not self._gap:
            self._gap = f"the changes of export {step.job} before {described(step)}"
        self._last[number] = CODES.get(step.new_state, OTHER)

    def violations(self, judge: Judge) -> list[Violation]:
        """Raise `NotLookedAt` where a change is missing."""
        expect_watched(judge)
        if self._gap:
            raise Incomplete(f"the history lacks {self._gap}")
        return []
