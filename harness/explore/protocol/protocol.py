"""A team's claim protocol: the SQL of each step, and how to read the state."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from harness.explore.protocol.statement import Statement
from harness.explore.scripts.scenario import Kind
from harness.target.tables.models import Positive, Seconds, Table
from harness.vocabulary.exports import CANCELED, FAILED, PREPARING, QUEUED, READY

Sql = Annotated[str, Field(min_length=1)]
States = Annotated[tuple[str, ...], Field(min_length=1)]
Column = Annotated[str, Field(min_length=1)]
Deleting = Literal["complete", "fail", "recover"]

EXPORT_PARAMETERS = ("export_id", "organization", "number")
"""What `[exports] insert` may use: a new UUID, the organization's UUID, 1, 2, 3 … in order."""

HELD_PARAMETERS = ("worker", "export_id", "token", "timeout_s")
"""What a step of an owner may use: who it is, and what its claim gave it."""

CLAIM_PARAMETERS = ("worker", "limit", "cap", "timeout_s")
RECOVER_PARAMETERS = ("worker", "limit", "timeout_s")

NO_TIME = (
    "what happens when an owner falls silent: the protocol file gives no way to let time pass. If "
    "claims take over what has run out (a lease, a visibility timeout), write [claim] age; if a "
    "step of its own takes back what is stuck, write [recover]; if an export stays with its owner "
    "for ever, write takes_over = false in [claim]"
)
"""Why a protocol without `age` is not said to hold."""


class Connections(Table):
    """What every connection runs first."""

    worker: str = ""
    """On the workers' connections, such as `SET ROLE service_role`."""
    observer: str = ""
    """On the connection that inserts, resets and reads the state."""


class Exports(Table):
    """How exports are inserted and removed."""

    insert: Sql
    """Inserts one queued export (`EXPORT_PARAMETERS`)."""
    reset: Sql
    """Removes all exports, between interleavings and at the end."""
    prepare: str = ""
    """Runs once, before the first interleaving."""
    clean_up: str = ""
    """Runs once, after the last `reset`: removes what `prepare` and the steps made elsewhere."""


class State(Table):
    """How to read all exports, and the names of their states."""

    query: Sql
    """All exports. What else it selects is compared, too: a stale step must not change it."""
    id: Column = "id"
    organization: str = "organization_id"
    state: Column = "state"
    attempt: str = "attempt"
    token: str = "claim_token"  # noqa: S105 - a column
    owner: str = "claimed_by"
    completions: str = "completions"
    """How often the completion was recorded, such as a count of ledger events."""
    queued: States = (QUEUED,)
    owned: States = (PREPARING,)
    terminal: States = (READY, FAILED, CANCELED)
    completed: States = (READY,)
    deleted_by: tuple[Deleting, ...] | None = None
    """The steps that end an export by removing it; none where it is not said."""


class Claim(Table):
    """The claim (`CLAIM_PARAMETERS`): gives a row for each export claimed."""

    sql: Sql
    id: Column = "id"
    token: str = "claim_token"  # noqa: S105 - a column; empty where there is none
    attempt: str = "attempt"
    """Empty where a claim does not return it."""
    takes_over: bool | None = None
    """Whether a claim itself takes over what its owner was silent about for the timeout: a lease
    or visibility timeout that ran out. None where it is not said."""
    age: str = ""
    """As `[recover] age`, where only claims take over."""

    @property
    def names_worker(self) -> bool:
        """Whether a claim gets the worker's name, which may be stored as the owner."""
        return "worker" in Statement(sql=self.sql).parameters


class Step(Table):
    """What an owner does (`HELD_PARAMETERS`)."""

    sql: Sql


class Recover(Table):
    """Taking exports back from workers that gave no sign of life (`RECOVER_PARAMETERS`)."""

    sql: Sql
    id: Column = "id"
    """The column with the ids of those it took back; without it the state decides."""
    age: Sql
    """Makes every owned export look silent for an hour, and returns their `id`."""
    timeout_s: Seconds = 300
    attempts: Positive | None = None
    """After how many attempts it ends an export instead of queueing it again."""


class Protocol(Table):
    """One claim protocol."""

    name: str = "claim protocol"
    connection: Connections = Connections()
    exports: Exports
    state: State
    claim: Claim
    heartbeat: Step | None = None
    complete: Step | None = None
    fail: Step | None = None
    release: Step | None = None
    recover: Recover | None = None

    def owner_step(self, kind: Kind) -> Step | None:
        """Give the SQL of a step that an owner does; None where the file names none."""
        steps = {
            Kind.HEARTBEAT: self.heartbeat,
            Kind.COMPLETE: self.complete,
            Kind.FAIL: self.fail,
            Kind.RELEASE: self.release,
        }
        return steps.get(kind)

    @property
    def age(self) -> str:
        """The SQL that lets an hour pass; empty where the file gives none."""
        return self.recover.age if self.recover else self.claim.age

    @property
    def takes_over(self) -> bool:
        """Whether claims take over what ran out, and time can be made to pass for it."""
        return (
            bool(self.age)
            and self.claim.takes_over is not False
            and (bool(self.claim.takes_over) or self.recover is None)
        )

    def not_looked_at(self) -> str:
        """What the file gives no way to look at, and what to write; empty for nothing."""
        if self.age or self.claim.takes_over is False:
            return ""
        return NO_TIME

    def kinds(self) -> frozenset[Kind]:
        """Give the steps that can be explored."""
        named = {kind for kind in Kind if self.owner_step(kind)} | {Kind.CLAIM}
        return frozenset(named | ({Kind.RECOVER} if self.recover else set()))

    def contradictions(self) -> Iterator[tuple[tuple[str, str], str]]:
        """Find keys that say different things: where, and what to do."""
        if self.claim.age and self.recover:
            yield (
                ("claim", "age"),
                "[recover] age lets time pass for claims, too; write takes_over = true instead",
            )
        elif self.claim.age and self.claim.takes_over is False:
            yield ("claim", "age"), "takes_over = false: nothing can run out; leave one of them out"

    def unknown_parameters(self) -> Iterator[tuple[tuple[str, str], str]]:
        """Find unknown parameters: where, and what was expected."""
        for path, sql, known in self._statements():
            for name in Statement(sql=sql).unknown_parameters(known):
                expected = ", ".join(f"%({each})s" for each in known) or "none"
                yield path, f"unknown parameter %({name})s; expected one of {expected}"

    def _statements(self) -> Iterator[tuple[tuple[str, str], str, tuple[str, ...]]]:
        yield ("connection", "worker"), self.connection.worker, ()
        yield ("connection", "observer"), self.connection.observer, ()
        yield ("exports", "insert"), self.exports.insert, EXPORT_PARAMETERS
        yield ("exports", "reset"), self.exports.reset, ()
        yield ("exports", "prepare"), self.exports.prepare, ()
        yield ("exports", "clean_up"), self.exports.clean_up, ()
        yield ("state", "query"), self.state.query, ()
        yield ("claim", "sql"), self.claim.sql, CLAIM_PARAMETERS
        yield ("claim", "age"), self.claim.age, ()
        for kind in Kind:
            if step := self.owner_step(kind):
                yield (kind.value, "sql"), step.sql, HELD_PARAMETERS
        if self.recover:
            yield ("recover", "sql"), self.recover.sql, RECOVER_PARAMETERS
            yield ("recover", "age"), self.recover.age, ()
