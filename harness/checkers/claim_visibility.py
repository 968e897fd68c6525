"""Could others see that an export was being worked on, and by which worker?"""

from collections.abc import Iterable, Mapping

from harness.checkers.as_entries import FIXED, of_transitions
from harness.checkers.facts import Transition
from harness.checkers.fold import Checker, Facts, Taker, clock, described, fold
from harness.checkers.states import expect_watched
from harness.checkers.violations import Violation
from harness.history import entries
from harness.vocabulary.exports import PREPARING


class ClaimsVisible(Checker):
    """Every claim is committed while it lasts, and names its owner.

    A claim that commits together with its result was never to be seen: for as long as the work
    took it held a row lock and kept the export `queued` for everybody else, so that no heartbeat,
    cap, cancellation or recovery could know of it.
    """

    name = "claims-visible"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._claims: dict[int, entries.Transition] = {}
        """Of what is in progress."""

    @property
    def takes(self) -> Mapping[type[entries.Entry], Taker]:
        """Every change."""
        return {entries.Transition: self._take}

    def _take(self, step: entries.Transition, number: int) -> None:
        if self.facts.is_claim:
            self._claims[number] = step
            if not step.new_worker:
                self.found.append(_nobodys(step))
        elif step.old_state == PREPARING and step.new_state != PREPARING:
            claim = self._claims.pop(number, None)
            if claim is not None and claim.txid is not None and claim.txid == step.txid:
                self.found.append(_unseen(claim, step))

    def violations(self, judge: entries.Judge) -> list[Violation]:
        """Give each claim that no other session could see, or that names no owner."""
        expect_watched(judge)
        return self.found


def claims_are_visible(transitions: Iterable[Transition]) -> list[Violation]:
    """Give each claim that no other session could see while it lasted, or that names no owner.

    Linear in the number of transitions.
    """
    judge = entries.Judge(what="", watched=True, **FIXED)
    return fold([ClaimsVisible], of_transitions(transitions), judge)


def _nobodys(claim: entries.Transition) -> Violation:
    return Violation(
        rule="nobodys",
        subject=claim.job,
        expected=f"claimed_by to name the owner of export {claim.job}, which is {PREPARING}",
        got=f"no name: {described(claim)}",
    )


def _unseen(claim: entries.Transition, end: entries.Transition) -> Violation:
    return Violation(
        rule="claim-unseen",
        subject=claim.job,
        expected=f"the claim of export {claim.job} to be committed before the work begins, "
        f"so that others see it {PREPARING}",
        got=f"one transaction ({claim.txid}) that claimed it at {clock(claim.at_us)} and made "
        f"it {end.new_state} at {clock(end.at_us)}",
    )
