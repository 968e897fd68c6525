"""Is everything that was accepted there at the end, ready, without a needless attempt?"""

from collections.abc import Iterator, Mapping

from harness.checkers.fold import CODES, NO_ATTEMPT, Checker, NotLookedAt, Taker
from harness.checkers.violations import Violation
from harness.history.entries import Entry, Judge
from harness.vocabulary.exports import READY

_READY = CODES[READY]


class NothingLost(Checker):
    """What the API accepted exists and becomes ready, at attempt 1 unless its worker was harmed.

    An acknowledgment is durable: what was accepted is there, after every fault.
    """

    name = "nothing-lost"

    @property
    def takes(self) -> Mapping[type[Entry], Taker]:
        """Nothing of its own: acknowledgments and final states are everybody's."""
        return {}

    def violations(self, judge: Judge) -> Iterator[Violation]:
        """Give each accepted export that is lost, not ready, or was tried more than once."""
        facts = self.facts
        if not judge.ended:
            raise NotLookedAt("exports were still allowed to be in progress")
        if not judge.looked or not (facts.acknowledged or (judge.whole and facts.states)):
            raise NotLookedAt("no acknowledgments, or no final states")
        for number, export_id in enumerate(facts.ids()):
            is_there = facts.seen[number] == facts.look
            if not facts.accepted[number] and not (judge.whole and is_there):
                continue
            if not is_there:
                yield Violation(
                    rule="lost",
                    subject=export_id,
                    expected=f"export {export_id}, which the API accepted, to exist",
                    got="no such export",
                )
            elif facts.state[number] != _READY:
                yield Violation(
                    rule="not-ready",
                    subject=export_id,
                    expected=f"export {export_id}, which the API accepted, to become ready",
                    got=facts.describe(number),
                )
            elif not facts.harmed[number] and facts.attempt[number] not in (1, NO_ATTEMPT):
                yield Violation(
                    rule="repeated",
                    subject=export_id,
                    expected=f"export {export_id} to be ready at attempt 1: nothing disturbed "
                    "its worker",
                    got=f"attempt {facts.attempt[number]}",
                )
