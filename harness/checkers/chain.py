"""Is the ledger of each organization one chain, without gaps or forks?"""

from collections.abc import Mapping

from harness.checkers.as_entries import FIXED
from harness.checkers.entry_examples import EntryExample, entry_example
from harness.checkers.fold import Checker, Facts, NotLookedAt, Taker
from harness.checkers.violations import Violation
from harness.history.entries import Entry, Judge, Link

_MOST_FOUND = 100


class LedgerChain(Checker):
    """Events of an organization, as they were read in order, number 1, 2, 3 … and each holds the
    hash of the one before.

    Their hashes themselves are recomputed where the whole event is at hand.
    """

    name = "ledger-chain"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._last: dict[str | None, tuple[int, str | None]] = {}
        self._events = 0
        self._look = facts.look

    @property
    def takes(self) -> Mapping[type[Entry], Taker]:
        """Links of chains."""
        return {Link: self._take}

    def _take(self, event: Link, _: int) -> None:
        if self._look != self.facts.look:
            self._look = self.facts.look
            self._last = {}  # a look reads whole chains
        self._events += 1
        seq, head = self._last.get(event.org, (0, None))
        self._last[event.org] = (event.seq, event.hash)
        if len(self.found) >= _MOST_FOUND:
            return
        if event.seq != seq + 1:
            self.found.append(_gap(event, seq))
        elif event.prev != head:
            self.found.append(_fork(event, head))

    def violations(self, judge: Judge) -> list[Violation]:  # noqa: ARG002 - every checker's
        """Give each event that does not follow the one before it."""
        if not self._events:
            raise NotLookedAt("no whole ledger was read")
        return self.found


def _gap(event: Link, seq: int) -> Violation:
    return Violation(
        rule="chain-gap",
        subject=event.org or "",
        expected=f"the event after number {seq} of organization {event.org} to be number {seq + 1}",
        got=f"number {event.seq}, {event.name}",
    )


def _fork(event: Link, head: str | None) -> Violation:
    return Violation(
        rule="chain-broken",
        subject=event.org or "",
        expected=f"event {event.seq} of organization {event.org} to hold the hash before it, "
        f"{head}",
        got=f"{event.prev}",
    )


def chained(*links: tuple[str, int, str, str | None]) -> list[Entry]:
    """Build events of organizations, each with its number, its hash and the one before it."""
    return [
        Link(name="export.requested", org=org, seq=seq, hash=hash_, prev=prev, **FIXED)
        for org, seq, hash_, prev in links
    ]


ACCEPTS: tuple[EntryExample, ...] = (
    entry_example("one chain", chained(("o1", 1, "a", None), ("o1", 2, "b", "a"))),
    entry_example(
        "each organization has its own",
        chained(("o1", 1, "a", None), ("o2", 1, "x", None), ("o1", 2, "b", "a")),
    ),
)

REJECTS: tuple[EntryExample, ...] = (
    entry_example("it begins late", chained(("o1", 2, "b", "a")), rule="chain-gap"),
    entry_example(
        "a number is missing", chained(("o1", 1, "a", None), ("o1", 3, "c", "b")), rule="chain-gap"
    ),
    entry_example(
        "a fork: two events of one number",
        chained(("o1", 1, "a", None), ("o1", 2, "b", "a"), ("o1", 2, "c", "a")),
        rule="chain-gap",
    ),
    entry_example(
        "another hash before it",
        chained(("o1", 1, "a", None), ("o1", 2, "b", "x")),
        rule="chain-broken",
    ),
)
