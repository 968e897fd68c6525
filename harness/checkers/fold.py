"""What every checker of histories stands on: facts that are folded, entry by entry, in one pass.

A checker sees each entry once and keeps a few bytes of each export. Ids are numbered in the order
in which they are first seen; what is kept of one is in columns at its number. None of it grows
with the number of entries about one export.
"""

from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from harness.checkers.facts import Transition as TransitionFact
from harness.checkers.violations import Violation
from harness.history.entries import (
    Entry,
    Event,
    Harmed,
    Judge,
    Operation,
    Promise,
    State,
    Transition,
)
from harness.vocabulary.events import EXPORT_COMPLETED
from harness.vocabulary.exports import CANCELED, FAILED, PREPARING, QUEUED, READY

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EARLIEST_US, _LATEST_US = -60_000_000_000_000_000, 250_000_000_000_000_000
_GROWN_BY = 1024
MOST_ATTEMPT = 2**31 - 1
"""Larger ones are counted as this one."""
NO_ATTEMPT = -(2**31)
"""None is known. Smaller ones than the next number are counted as that one."""
_UUID_LENGTH = 36
_DIGEST_LENGTHS = frozenset({32, 64})

CODES: Mapping[str | None, int] = {
    None: 0, QUEUED: 1, PREPARING: 2, READY: 3, FAILED: 4, CANCELED: 5,
}  # fmt: skip
OTHER = 6
"""A state that the contract does not know."""
STATE_NAMES = {code: state or "nothing" for state, code in CODES.items()} | {OTHER: "another state"}

Taker = Callable[[Any, int], None]
"""Takes an entry and the number of the export (or what else it is about), -1 for none."""


def kept_attempt(attempt: int) -> int:
    """Give an attempt as a column can hold it: a backend may say any number."""
    return min(max(attempt, NO_ATTEMPT + 1), MOST_ATTEMPT)


def microseconds(moment: datetime) -> int:
    """Give a moment as histories have it: whole microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(us: int) -> datetime:
    """Give it back; one that no calendar has is the nearest."""
    return _EPOCH + timedelta(microseconds=min(max(us, _EARLIEST_US), _LATEST_US))


def clock(us: int) -> str:
    """Show a moment of a database, for messages."""
    return f"{moment(us):%H:%M:%S.%f}"


def in_us(seconds: float) -> int:
    """Give seconds as whole microseconds."""
    return round(seconds * 1e6)


def packed(text: str) -> int | str:
    """Give a UUID or a digest as a number, which takes a third of the memory of its text.

    Of a digest of 64 letters the first 32 count.
    """
    try:
        if len(text) == _UUID_LENGTH:
            return int(text.replace("-", ""), 16)
        if len(text) in _DIGEST_LENGTHS:
            return int(text[:32], 16) + _BESIDE_UUIDS
    except ValueError:
        pass
    return text


_BESIDE_UUIDS = 1 << 128


def described(step: Transition) -> str:
    """Say what changed, and when by the database's clock."""
    return TransitionFact(
        n=step.n,
        at=moment(step.at_us),
        export_id=step.job,
        organization_id=step.org or "",
        old_state=step.old_state,
        new_state=step.new_state,
        old_attempt=step.old_attempt,
        new_attempt=step.new_attempt,
        old_claimed_by=step.old_worker,
        new_claimed_by=step.new_worker,
    ).describe()


class Facts:
    """What several checkers need to know, folded once for all of them."""

    def __init__(self) -> None:
        self._numbers: dict[int | str, int] = {}
        self._columns: list[array[int]] = []
        self._room = 0
        self.look = 1
        """Counts the looks at final states."""
        self.promise = Promise(i=0, t_ns=0, writer="")
        self.is_claim = False
        """Whether the transition that is being taken is a claim, rightly or not."""
        self.errors: dict[int, str] = {}
        """Error codes of the look, by number."""
        self.seen = self.column("H")
        """The look in which the final state was read last."""
        self.state = self.column("B")
        self.attempt = self.column("i")
        """`NO_ATTEMPT`: none is kept."""
        self.events = self.column("B")
        """How many `export.completed` events there are, at most 255."""
        self.events_in = self.column("H")
        """The look in which they were counted."""
        self.accepted = self.column("B")
        """Whether a client received that it was accepted."""
        self.owner = self.column("I")
        """The number of the organization that first got a right answer about it; 0: none has."""
        self.organizations: dict[str, int] = {}
        """Their numbers, from 1 on."""
        self.harmed = self.column("B")
        """1: its worker was harmed. 2: it can give no sign of life any more."""
        self.transitions = 0
        self.states = 0
        self.completions = 0
        self.acknowledged = 0
        self._texts: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def column(self, typecode: str) -> "array[int]":
        """Give a column: a number of this type for each export, 0 at first."""
        made = array(typecode, bytes(self._room * array(typecode).itemsize))
        self._columns.append(made)
        return made

    def number(self, job: str) -> int:
        """Give the number of an id, a new one for a new id."""
        key = packed(job)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._numbers)
            if number >= self._room:
                self._room += _GROWN_BY
                for each in self._columns:
                    each.frombytes(bytes(_GROWN_BY * each.itemsize))
        return number

    def ids(self) -> Iterator[str]:
        """Give all ids in the order of their numbers."""
        for key in self._numbers:
            yield key if isinstance(key, str) else _unpacked(key)

    def looked_at(self) -> Iterator[tuple[int, str]]:
        """Give number and id of each export whose final state was read in this look."""
        return (
            (number, job) for number, job in enumerate(self.ids()) if self.seen[number] == self.look
        )

    def shared(self, text: str) -> str:
        """Give one object for a text that many entries have."""
        return self._texts.setdefault(text, text)

    def describe(self, number: int) -> str:
        """Say how an export stands at the end."""
        error = self.errors.get(number)
        attempt = self.attempt[number]
        at = "" if attempt == NO_ATTEMPT else f" at attempt {attempt}"
        return f"{STATE_NAMES[self.state[number]]}{f' ({error})' if error else ''}{at}"

    def state_name(self, number: int) -> str:
        """Give the final state of an export."""
        return STATE_NAMES[self.state[number]]

    def completed(self, number: int) -> int:
        """Give how many completions of an export were read in this look."""
        return self.events[number] if self.events_in[number] == self.look else 0

    # What follows takes entries, before the checkers do.

    def take_operation(self, entry: Operation, number: int) -> None:
        """Note what was accepted, by the answer that its client got."""
        if number < 0 or entry.type != "ok":
            return
        if entry.f == "requestExport":
            self.acknowledged += 1
            self.accepted[number] = 1
        if entry.org is not None and not self.owner[number]:
            numbers = self.organizations
            self.owner[number] = numbers.setdefault(entry.org, len(numbers) + 1)

    def take_transition(self, entry: Transition, _: int) -> None:
        """Find out once whether it is a claim."""
        self.transitions += 1
        self.is_claim = entry.new_state == PREPARING and (
            entry.old_state != PREPARING
            or entry.new_attempt != entry.old_attempt
            or entry.new_worker != entry.old_worker
        )

    def take_state(self, entry: State, number: int) -> None:
        """Note a final state."""
        self.states += 1
        self.seen[number] = self.look
        self.state[number] = CODES.get(entry.state, OTHER)
        self.attempt[number] = NO_ATTEMPT if entry.attempt is None else kept_attempt(entry.attempt)
        if entry.error:
            self.errors[number] = self.shared(entry.error)
        elif self.errors:
            self.errors.pop(number, None)

    def take_event(self, entry: Event, number: int) -> None:
        """Count a completion."""
        if entry.name == EXPORT_COMPLETED:
            self.completions += 1
            if self.events_in[number] != self.look:
                self.events_in[number] = self.look
                self.events[number] = 0
            if self.events[number] < 255:
                self.events[number] += 1

    def take_harmed(self, entry: Harmed, number: int) -> None:
        """Note that the worker of an export was harmed."""
        self.harmed[number] = max(self.harmed[number], 1 if entry.heartbeat_us is None else 2)

    def take_promise(self, entry: Promise, _: int) -> None:
        """Note what is promised from now on; what an entry does not say stays as it was."""
        said = {name: getattr(entry, name) for name in _PROMISES}
        known = {name: getattr(self.promise, name) for name in _PROMISES}
        known |= {name: value for name, value in said.items() if value is not None}
        self.promise = Promise(i=entry.i, t_ns=entry.t_ns, writer=entry.writer, **known)

    def begin_look(self) -> None:
        """Forget what the last look has read: what is read from now on is another one."""
        self.look += 1
        self.states = self.completions = 0


_PROMISES = tuple(name for name in Promise.__struct_fields__ if name not in Entry.__struct_fields__)


def _unpacked(key: int) -> str:
    return f"{key - _BESIDE_UUIDS:032x}" if key >= _BESIDE_UUIDS else str(UUID(int=key))


@dataclass(frozen=True, kw_only=True)
class Judgment:
    """What one checker says about one look."""

    checker: str
    violations: tuple[Violation, ...] = ()
    not_looked_at: str = ""
    """What it lacked, where it could not look."""
    is_incomplete: bool = False
    """Whether that leaves the verdict open: what it lacked should be there."""


class Checker(ABC):
    """Folds the entries of one drill, and judges when it is asked to."""

    name: ClassVar[str]

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.found: list[Violation] = []
        """What was wrong with entries that were taken, in their order."""

    @property
    @abstractmethod
    def takes(self) -> Mapping[type[Entry], Taker]:
        """What takes the entries of each kind that it looks at."""

    @abstractmethod
    def violations(self, judge: Judge) -> Iterable[Violation]:
        """Give what is wrong by now. Raises `NotLookedAt` without what it needs."""


class NotLookedAt(Exception):
    """A checker lacks what it needs; the message says what."""


class Incomplete(NotLookedAt):
    """What the history lacks should be there: nothing that is judged by it can pass."""


class Folding:
    """Runs checkers over the entries of one drill."""

    def __init__(self, checkers: Iterable[type[Checker]]) -> None:
        facts = self.facts = Facts()
        self.checkers = [each(facts) for each in checkers]
        takers: dict[type[Entry], list[Taker]] = {
            Operation: [facts.take_operation],
            Transition: [facts.take_transition],
            State: [facts.take_state],
            Event: [facts.take_event],
            Harmed: [facts.take_harmed],
            Promise: [facts.take_promise],
        }
        for checker in self.checkers:
            for kind, taker in checker.takes.items():
                takers.setdefault(kind, []).append(taker)
        self._takers = {kind: tuple(found) for kind, found in takers.items()}

    def take(self, entry: Entry) -> tuple[Judgment, ...]:
        """Take the next entry; a `judge` entry gives what every checker says."""
        kind = type(entry)
        if kind is Judge:
            return self._judged(entry)  # type: ignore[arg-type]  # its type was compared
        takers = self._takers.get(kind)
        if takers is not None:
            job = entry.job if kind in _ABOUT_JOBS else None  # type: ignore[attr-defined]
            number = -1 if job is None else self.facts.number(job)
            for taker in takers:
                taker(entry, number)
        return ()

    def _judged(self, judge: Judge) -> tuple[Judgment, ...]:
        judged = tuple(_ask(checker, judge) for checker in self.checkers)
        self.facts.begin_look()
        return judged


_ABOUT_JOBS: frozenset[type[Entry]] = frozenset(
    {kind for kind in Entry.__subclasses__() if "job" in kind.__struct_fields__}
)


def _ask(checker: Checker, judge: Judge) -> Judgment:
    try:
        return Judgment(checker=checker.name, violations=tuple(checker.violations(judge)))
    except NotLookedAt as lacking:
        return Judgment(
            checker=checker.name,
            not_looked_at=str(lacking),
            is_incomplete=isinstance(lacking, Incomplete),
        )


def fold(
    checkers: Iterable[type[Checker]], entries: Iterable[Entry], judge: Judge
) -> list[Violation]:
    """Run checkers over entries that are at hand, and give everything that is wrong."""
    folding = Folding(checkers)
    for entry in entries:
        folding.take(entry)
    return [found for each in folding.take(judge) for found in each.violations]
