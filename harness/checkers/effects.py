"""Did each export have its visible effect once: one completed event if it is ready, else none?"""

from collections.abc import Iterator, Mapping

from harness.checkers.fold import CODES, Checker, Facts, NotLookedAt, Taker, packed
from harness.checkers.violations import Violation
from harness.history.entries import Entry, Judge, Operation
from harness.vocabulary.exports import READY

_READY = CODES[READY]


class ExactlyOnceEffect(Checker):
    """A ready export has one `export.completed` event, any other none; a key makes one record."""

    name = "exactly-once-effect"

    @property
    def takes(self) -> Mapping[type[Entry], Taker]:
        """Requests with an idempotency key."""
        return {Operation: self._take}

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._made: dict[int | str, int] = {}
        """What each key has made, by number."""

    def _take(self, entry: Operation, number: int) -> None:
        if entry.key is None or entry.type != "ok" or number < 0:
            return
        made = self._made.setdefault(packed(entry.key), number)
        if made != number:
            self.found.append(
                Violation(
                    rule="key-twice",
                    subject=entry.job or "",
                    expected=f"one record for an idempotency key of {entry.f}",
                    got=f"another one, {entry.job}, for a key that had made one before",
                )
            )

    def violations(self, judge: Judge) -> Iterator[Violation]:
        """Give each export with too many or too few completions, and each key with two records."""
        facts = self.facts
        if not judge.looked and not self._made:
            raise NotLookedAt("no final states, and no requests with an idempotency key")
        yield from self.found
        if not judge.looked:
            return
        for number, export_id in enumerate(facts.ids()):
            is_there = facts.seen[number] == facts.look
            events = facts.completed(number)
            if is_there:
                due = int(facts.state[number] == _READY)
                if events == due:
                    continue
                kind = "completed-twice" if events > 1 else "unrecorded"
                yield Violation(
                    rule=kind if due or events > 1 else "completed-unready",
                    subject=export_id,
                    expected=f"{due or 'no'} export.completed event of export {export_id}, "
                    f"which is {facts.state_name(number)}",
                    got=f"{events} events",
                )
            elif events:
                yield Violation(
                    rule="completed-unready",
                    subject=export_id,
                    expected=f"no export.completed event of {export_id}, which is no export",
                    got=f"{events} events",
                )
