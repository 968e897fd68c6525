"""Did workers that were told to stop give back or finish all they had, within their grace time?"""

from collections.abc import Iterator, Mapping

from harness.checkers.attempts import is_silent_end
from harness.checkers.entry_examples import PROMISE, EntryExample, entry_example, request, steps
from harness.checkers.fold import Checker, Facts, NotLookedAt, Taker, described
from harness.checkers.recovery import DRAIN
from harness.checkers.violations import Violation
from harness.history.entries import Entry, EntryType, Judge, Operation, Transition
from harness.vocabulary.exports import PREPARING


class DrainedInTime(Checker):
    """A worker that is told to stop ends within its grace time, and leaves nothing to recovery."""

    name = "drained-in-time"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._told_ns: dict[str, int] = {}
        self._ended_ns: dict[str, int] = {}
        self._kept: dict[int, Transition] = {}
        """What a drained worker still has, by its last change."""
        self._left: list[Violation] = []

    @property
    def takes(self) -> Mapping[type[Entry], Taker]:
        """Which workers were told to stop, and every change."""
        return {Operation: self._drain, Transition: self._take}

    def _drain(self, entry: Operation, _: int) -> None:
        if entry.f != DRAIN or entry.worker is None:
            return
        if entry.type == "invoke":
            self._told_ns[entry.worker] = entry.t_ns
            self._ended_ns.pop(entry.worker, None)
        elif entry.type == "ok":
            self._ended_ns[entry.worker] = entry.t_ns

    def _take(self, step: Transition, number: int) -> None:
        if not self._told_ns:
            return
        if step.new_state == PREPARING and step.new_worker in self._told_ns:
            self._kept[number] = step
        elif number in self._kept:
            del self._kept[number]
        timeout_s = self.facts.promise.stuck_timeout_s
        if (
            timeout_s is not None
            and step.old_worker in self._told_ns
            and is_silent_end(step, timeout_s, is_claim=self.facts.is_claim)
        ):
            self._left.append(_left(step))

    def violations(self, judge: Judge) -> Iterator[Violation]:
        """Give each worker that took too long, and each export that it left."""
        grace_s, slack_s = self.facts.promise.grace_s, self.facts.promise.slack_s or 0.0
        if not self._told_ns or grace_s is None:
            raise NotLookedAt("no worker was told to stop, or no grace time is promised")
        for worker, told_ns in self._told_ns.items():
            ended_ns = self._ended_ns.get(worker)
            took_s = None if ended_ns is None else (ended_ns - told_ns) / 1e9
            if took_s is None or took_s > grace_s + slack_s:
                yield Violation(
                    rule="drain-late",
                    subject=worker,
                    expected=f"{worker}, which was told to stop, to end within {grace_s:g} s",
                    got="it did not" if took_s is None else f"it took {took_s:.2f} s",
                )
        yield from self._left
        if judge.ended:
            yield from map(_left, self._kept.values())


def _left(step: Transition) -> Violation:
    return Violation(
        rule="drain-kept",
        subject=step.job,
        expected=f"export {step.job} to be finished or given back by its worker, which was told to "
        "stop",
        got=f"it was left to recovery: {described(step)}",
    )


def _told(kind: EntryType, t_s: float) -> Entry:
    return request(kind, DRAIN, "", worker="w1", process="chaos", t_s=t_s)


_BUSY = "e1 queued @0, e1 claimed w1 @1"

ACCEPTS: tuple[EntryExample, ...] = (
    entry_example(
        "it gave back what it had",
        [PROMISE, _told("invoke", 0), _told("ok", 4), *steps(f"{_BUSY}, e1 returned @2")],
    ),
    entry_example(
        "it finished what it had",
        [PROMISE, _told("invoke", 0), _told("ok", 5), *steps(f"{_BUSY}, e1 ready @9")],
    ),
    entry_example(
        "what another one holds is not its business",
        [PROMISE, _told("invoke", 0), _told("ok", 1), *steps("e1 queued @0, e1 claimed w2 @1")],
    ),
)

REJECTS: tuple[EntryExample, ...] = (
    entry_example(
        "it took longer than its grace time",
        [PROMISE, _told("invoke", 0), _told("ok", 6), *steps(f"{_BUSY}, e1 returned @2")],
        rule="drain-late",
    ),
    entry_example(
        "it never ended",
        [PROMISE, _told("invoke", 0), *steps(f"{_BUSY}, e1 ready @2")],
        rule="drain-late",
    ),
    entry_example(
        "it ended with what it had",
        [PROMISE, _told("invoke", 0), _told("ok", 1), *steps(_BUSY)],
        rule="drain-kept",
    ),
    entry_example(
        "what it left was taken back by recovery",
        [PROMISE, _told("invoke", 0), _told("ok", 1), *steps(f"{_BUSY}, e1 returned @3.5")],
        rule="drain-kept",
    ),
)
