"""How often was an export tried: three silent ends are the last, and no sooner was it given up?"""

from collections.abc import Mapping

from harness.checkers.entry_examples import PROMISE, EntryExample, entry_example, steps
from harness.checkers.fold import Checker, Facts, NotLookedAt, Taker, described, in_us
from harness.checkers.states import expect_watched
from harness.checkers.violations import Violation
from harness.history.entries import Entry, Judge, Transition
from harness.vocabulary.exports import FAILED, PREPARING, QUEUED


def is_silent_end(step: Transition, timeout_s: float, *, is_claim: bool) -> bool:
    """Whether an export was taken from a worker that had given no sign of life for so long.

    What a worker finished or gave back itself has a younger heartbeat; without one it is unknown.
    """
    beat = step.heartbeat_us
    return (
        step.old_state == PREPARING
        and (is_claim or step.new_state in _TAKEN)
        and beat is not None
        and step.at_us >= beat + in_us(timeout_s)
    )


_TAKEN = frozenset({QUEUED, FAILED})


class AttemptsBounded(Checker):
    """After so many silent ends since the last grant an export is tried no more, and not before.

    An attempt ends silently when its worker had given no sign of life for the whole stuck timeout.
    One that a worker ended itself, by a drain or with an error, does not count; a request and a
    retry are grants.
    """

    name = "attempts-bounded"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._silent = facts.column("B")

    @property
    def takes(self) -> Mapping[type[Entry], Taker]:
        """Every change."""
        return {Transition: self._take}

    def _take(self, step: Transition, number: int) -> None:
        promise = self.facts.promise
        most, timeout_s = promise.max_attempts, promise.stuck_timeout_s
        if most is None or timeout_s is None:
            return
        if step.old_state is None or step.old_state == FAILED:
            self._silent[number] = 0  # granted
        elif is_silent_end(step, timeout_s, is_claim=self.facts.is_claim):
            self._silent[number] = min(self._silent[number] + 1, 255)
            if step.new_state == FAILED and self._silent[number] < most:
                self.found.append(self._given_up(step, number, most))
        if self.facts.is_claim and self._silent[number] >= most:
            self.found.append(self._too_many(step, number, most))

    def _given_up(self, step: Transition, number: int, most: int) -> Violation:
        return Violation(
            rule="given-up-early",
            subject=step.job,
            expected=f"export {step.job} to be tried until {most} workers fell silent over it",
            got=f"{described(step)}, after {self._silent[number]}",
        )

    def _too_many(self, step: Transition, number: int, most: int) -> Violation:
        return Violation(
            rule="over-attempts",
            subject=step.job,
            expected=f"export {step.job} to fail after {most} workers fell silent over it",
            got=f"{described(step)}, after {self._silent[number]}",
        )

    def violations(self, judge: Judge) -> list[Violation]:
        """Give each export that was tried too often, or too seldom."""
        expect_watched(judge)
        promise = self.facts.promise
        if promise.max_attempts is None or promise.stuck_timeout_s is None:
            raise NotLookedAt("no number of attempts, or no stuck timeout, is promised")
        return self.found


_TWICE_SILENT = (
    "e1 queued @0, e1 claimed w1 @1, e1 returned @4, e1 claimed w1 @5, e1 returned @8, "
    "e1 claimed w1 @9, "
)

ACCEPTS: tuple[EntryExample, ...] = (
    entry_example("done at once", [PROMISE, *steps("e1 queued, e1 claimed w1, e1 ready")]),
    entry_example(
        "given up after three silent ends", [PROMISE, *steps(_TWICE_SILENT + "e1 failed @12")]
    ),
    entry_example(
        "what workers gave back themselves does not count",
        [
            PROMISE,
            *steps(_TWICE_SILENT + "e1 returned @9.5, e1 claimed w2 @10, e1 failed @13"),
        ],
    ),
    entry_example(
        "a retry grants three more",
        [
            PROMISE,
            *steps(
                _TWICE_SILENT + "e1 failed @12, e1 queued @13, e1 claimed w1 @14, "
                "e1 returned @17, e1 claimed w1 @18, e1 ready @18.5"
            ),
        ],
    ),
    entry_example(
        "an error of its worker is an end of another kind",
        [PROMISE, *steps("e1 queued @0, e1 claimed w1 @1, e1 failed @1.5")],
    ),
)

REJECTS: tuple[EntryExample, ...] = (
    entry_example(
        "tried for ever",
        [PROMISE, *steps(_TWICE_SILENT + "e1 returned @12, e1 claimed w1 @13")],
        rule="over-attempts",
    ),
    entry_example(
        "given up after the second",
        [
            PROMISE,
            *steps(
                "e1 queued @0, e1 claimed w1 @1, e1 returned @4, e1 claimed w1 @5, e1 failed @8"
            ),
        ],
        rule="given-up-early",
    ),
    entry_example(
        "a retry grants fewer",
        [
            PROMISE,
            *steps(
                _TWICE_SILENT + "e1 failed @12, e1 queued @13, e1 claimed w1 @14, e1 failed @17"
            ),
        ],
        rule="given-up-early",
    ),
)
