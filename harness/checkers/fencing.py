"""Is ownership fenced: a new token for each claim, and no work finished by a stale owner?"""

from array import array
from collections.abc import Mapping

from harness.checkers.as_entries import FIXED
from harness.checkers.entry_examples import EntryExample, entry_example, steps
from harness.checkers.fold import Checker, Facts, NotLookedAt, Taker, clock, described, packed
from harness.checkers.states import expect_watched
from harness.checkers.violations import Violation
from harness.history.entries import Busy, Entry, Judge, Transition
from harness.vocabulary.exports import FAILED, PREPARING, QUEUED, READY

_MASK = 2**63 - 1


class Fencing(Checker):
    """A claim token is issued once, no export in progress has that of another claim, and a stale
    owner finishes nothing while the new one still works.
    """

    name = "fencing"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._issued: dict[int | str, int] = {}
        """Whose each token was first, by number."""
        self._current: array[int] = facts.column("q")
        """The last bits of the token of the present claim; 0: none is known."""
        self._busy: dict[int, Busy] = {}

    @property
    def takes(self) -> Mapping[type[Entry], Taker]:
        """Every change, and which owners surely sleep."""
        return {Transition: self._take, Busy: self._sleeps}

    def _sleeps(self, entry: Busy, number: int) -> None:
        self._busy[number] = entry

    def _take(self, step: Transition, number: int) -> None:
        if self.facts.is_claim:
            self._claimed(step, number)
        elif step.old_state == PREPARING:
            if step.old_token is not None and self._is_of_another(step.old_token, number):
                self.found.append(_changed(step))
            if step.new_state != PREPARING:
                self._current[number] = 0
        if number in self._busy:
            busy = self._busy[number]
            if step.at_us < busy.until_us and _leaves(step, busy):
                self.found.append(_by_stale(step, busy))

    def _is_of_another(self, token: str, number: int) -> bool:
        """Whether a row has the token of another claim: one that only rotates breaks no rule."""
        current = self._current[number]
        return bool(current) and _last_bits(token) != current and packed(token) in self._issued

    def _claimed(self, step: Transition, number: int) -> None:
        if step.token is None:
            self._current[number] = 0
            return
        self._current[number] = _last_bits(step.token)
        key = packed(step.token)
        if key in self._issued:
            self.found.append(_reused(step, is_same=self._issued[key] == number))
        else:
            self._issued[key] = number

    def violations(self, judge: Judge) -> list[Violation]:
        """Give each token that was issued again or changed, and each end by a stale owner."""
        expect_watched(judge)
        if not self._issued and not self._busy:
            raise NotLookedAt(
                "no claim token is recorded ([claim.columns] claim_token), and no stale worker woke"
            )
        return self.found


LEFT = frozenset({READY, FAILED, QUEUED})
"""Where an export is when its owner has finished it, failed it or given it back."""


def _leaves(step: Transition, busy: Busy) -> bool:
    """Whether an export is made ready, or taken from its owner after that one has claimed it.

    Its owner may have had an earlier attempt at it, which recovery rightly took back.
    """
    if step.new_state == READY:
        return True
    is_taken = step.old_state == PREPARING and step.new_state in LEFT
    return is_taken and busy.since_us is not None and step.at_us >= busy.since_us


def _last_bits(token: str) -> int:
    key = packed(token)
    return (key if isinstance(key, int) else hash(key)) & _MASK or 1


def _reused(step: Transition, *, is_same: bool) -> Violation:
    return Violation(
        rule="token-reused",
        subject=step.job,
        expected=f"a claim token for each claim of export {step.job} that was never issued before",
        got=f"one that {'it' if is_same else 'another export'} had had: {described(step)}",
    )


def _changed(step: Transition) -> Violation:
    return Violation(
        rule="token-changed",
        subject=step.job,
        expected=f"export {step.job} to have the claim token that was issued with its claim",
        got=f"that of another claim: {described(step)}",
    )


def _by_stale(step: Transition, busy: Busy) -> Violation:
    return Violation(
        rule="finished-by-zombie",
        subject=step.job,
        expected=f"export {step.job} to be finished, failed or given back by its owner "
        f"{busy.worker} (attempt {step.old_attempt}), not before {clock(busy.until_us)}: "
        f"until then it {busy.where}",
        got=f"{described(step)}: {busy.stale}, whose claim is stale, was awake",
    )


_ONE, _OTHER = "a" * 32, "b" * 32
_LIVES = "e1 queued, e1 claimed w1, e1 returned, e1 claimed w2, e1 ready"

_TWO = "e1 queued, e2 queued, e1 claimed w1, e2 claimed w1"

ACCEPTS: tuple[EntryExample, ...] = (
    entry_example("a new token each time", steps(_LIVES, {2: _ONE, 4: _OTHER})),
    entry_example("two exports, two tokens", steps(_TWO, {3: _ONE, 4: _OTHER})),
    entry_example(
        "a token that rotates with each heartbeat",
        [*steps(_TWO, {3: _ONE}), steps(f"{_TWO}, e1 ready", {3: _OTHER})[-1]],
    ),
    entry_example(
        "its owner finished it when it had woken up",
        [Busy(job="e1", worker="w2", until_us=0, stale="w1", **FIXED), *steps(_LIVES)],
    ),
)

_FAILED_SOON = steps("e1 queued, e1 claimed w1, e1 returned, e1 claimed w2, e1 failed")

REJECTS: tuple[EntryExample, ...] = (
    entry_example(
        "failed while its owner slept",
        [
            *_FAILED_SOON[:-1],
            Busy(job="e1", worker="w2", until_us=2**62, since_us=0, stale="w1", **FIXED),
            _FAILED_SOON[-1],
        ],
        rule="finished-by-zombie",
    ),
    entry_example("the same token again", steps(_LIVES, {2: _ONE, 4: _ONE}), rule="token-reused"),
    entry_example(
        "another export's token",
        steps(_TWO, {3: _ONE, 4: _ONE}),
        rule="token-reused",
    ),
    entry_example(
        "the token of another claim while its owner worked",
        [*steps(_TWO, {3: _ONE, 4: _OTHER}), steps(f"{_TWO}, e1 ready", {3: _OTHER})[-1]],
        rule="token-changed",
    ),
    entry_example(
        "finished while its owner slept",
        [
            Busy(job="e1", worker="w2", until_us=2**62, stale="w1", **FIXED),
            *steps(_LIVES, {2: _ONE, 4: _OTHER}),
        ],
        rule="finished-by-zombie",
    ),
)
