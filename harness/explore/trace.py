"""What happened in one interleaving, in order; the invariants are judged by it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from harness.explore.scripts.scenario import Act, Kind, Scenario

FRESH = -1
"""The number of the worker that finishes the rest at the end."""

LETTERS = "ABC"
"""What the other workers are called, by number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportState:
    """One export as the state query shows it. What the query does not select is None."""

    id: str
    organization: str | None
    state: str
    attempt: int | None
    token: str | None
    owner: str | None
    completions: int | None
    rest: tuple[str | None, ...] = ()
    """The other columns of the query."""


DELETED = "deleted"
"""The state of an export that the state query no longer returns."""

Snapshot = Mapping[str, ExportState]
"""All exports by id, as committed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """What a claim gave to a worker."""

    export: str
    token: str | None
    attempt: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A step that was sent to the database."""

    number: int
    """From 1, in the order in which steps were sent."""
    worker: int
    act: Act
    holds: tuple[Hold, ...] = ()
    """The exports it names, for a step of an owner."""
    limit: int | None = None
    """How many it wanted, for a claim."""

    @property
    def kind(self) -> Kind:
        """What it does."""
        return self.act.kind


_NO_REFUSALS = ("08", "0A", "25", "42", "53", "54", "57", "58", "XX")
"""Classes of SQLSTATEs: connections, transactions, wrong SQL, lack of resources, the server."""

_MISTAKES = ("42601", "42703", "42P01", "42883", "42704", "42P18", "3F000")


@dataclass(frozen=True, kw_only=True, slots=True)
class SqlError:
    """How the database refused a step."""

    sqlstate: str
    message: str
    within: str = ""
    """The function in which it was raised, from the server's error context."""
    more: tuple[str, ...] = ()
    """The place in the SQL, the detail, hint and context, as psql shows them."""

    def __str__(self) -> str:
        """Everything that the server says about it, in several lines."""
        return "\n  ".join([f"ERROR {self.sqlstate}: {self.message}", *self.more])

    @property
    def is_retriable(self) -> bool:
        """A deadlock or a serialization failure: the transaction is rolled back, to be retried."""
        return self.sqlstate in ("40P01", "40001")

    @property
    def may_refuse(self) -> bool:
        """A step may say so that its token is stale; not by what is a mistake in any case."""
        return self.sqlstate[:2] not in _NO_REFUSALS

    @property
    def is_unknown_function(self) -> bool:
        """The called function does not exist; a function that calls such a one is another thing."""
        return self.sqlstate == "42883" and not self.within

    @property
    def is_mistake_in_text(self) -> bool:
        """The text that was sent is wrong by itself, not a function that it calls.

        It is no SQL, or names a column, table, function or object that does not exist.
        """
        return self.sqlstate in _MISTAKES and not self.within


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """A step that has ended, at once or after a wait."""

    call: Call
    claimed: tuple[Hold, ...] = ()
    took: tuple[str, ...] | None = None
    """The exports that recovery reports as taken back, or that aged; None where it reports none."""
    acknowledged: tuple[bool | None, ...] = ()
    """For each of `call.holds`, whether the step reported a change; None: it reports nothing."""
    error: SqlError | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Committed:
    """A transaction whose effects became visible."""

    steps: tuple[Ended, ...]


Event = Ended | Committed


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """One step, and everything that happened before the next one."""

    call: Call
    idle: bool = False
    """Nothing was sent: the worker had no export, or no transaction."""
    events: tuple[Event, ...] = ()
    """In order; steps that had been waiting may end here, too."""
    waits_for: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """Who waits for whom when it is over, by worker."""
    open: frozenset[int] = frozenset()
    """The workers with an open transaction when it is over."""
    after: Snapshot | None = None
    """None when nothing was committed: then nothing has changed."""

    def ended(self) -> Iterator[Ended]:
        """Give the steps that ended here."""
        return (event for event in self.events if isinstance(event, Ended))


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """One interleaving that was run to its end."""

    scenario: Scenario
    before: Snapshot
    moments: tuple[Moment, ...]
    schedule: tuple[int, ...]
    """Whose step it was; the fresh worker's are not in it."""
    names: Mapping[int, str]
    """What each worker called itself; empty where a claim does not get a name."""
    kinds: frozenset[Kind] = frozenset(Kind)
    """The steps that the protocol names, and that the fresh worker could do."""
    attempts: int | None = None
    """After how many attempts recovery gives up; None where the protocol file does not say."""
    takes_over: bool = False
    """Whether a claim may take over an export whose owner has been silent for the timeout."""
