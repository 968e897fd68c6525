"""What a history consists of: one kind of entry for each kind of thing that was seen.

A line is one entry as JSON, its `kind` first. Every entry has a place in the file (`writer`, `i`),
a time (`t_ns`) and the drill that it belongs to. Moments of a database are whole microseconds
since 1970 (`_us`), those of a machine's monotonic clock nanoseconds (`_ns`). Ids are lower-case
UUIDs where the backend has such ids; digests are SHA-256 in hex. Claim tokens stand here as
digests of 32 hex letters, never as themselves.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct

SCHEMA = 2
"""Of what `writer` entries say. 1 had no kinds, no writers and nothing but operations."""

EntryType = Literal["invoke", "ok", "fail", "info"]
"""`invoke` begins an operation; `ok` happened, `fail` did not, `info` may or may not have."""

Nanoseconds = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""What a monotonic clock can say."""

Seconds = Annotated[float, Meta(ge=0, le=1e9)]
"""A time that can be waited for: some thirty years at most."""

CRASH = "crash"
"""The `f` of an error in the code that writes the history: the history is not complete."""


class Entry(
    Struct,
    frozen=True,
    kw_only=True,
    gc=False,  # a million of them at once: none refers to another
    omit_defaults=True,
    tag_field="kind",
    forbid_unknown_fields=True,
):
    """What every line has."""

    i: int
    """Counts the lines of one writer from 0: a gap is a line that is missing."""
    t_ns: Nanoseconds
    """The machine's monotonic clock: comparable between the processes of one machine."""
    writer: str
    """The process that wrote it, by a label that no other process has."""
    drill: str = ""
    """The check, or the part of one, that is judged by it."""
    system: str = ""
    """The running system that it is about; empty: the one that all checks share."""


class Writer(Entry, frozen=True, kw_only=True, tag="writer"):
    """The first line of a process: which form its lines have, and whose they are."""

    schema: int
    run: str
    """The label that all processes of one load, or of one run, share."""
    machine: str
    """Tells the monotonic clocks of machines apart."""
    wall_us: int
    """This machine's clock at `t_ns`."""


class End(Entry, frozen=True, kw_only=True, tag="end"):
    """The last line of a process that was not killed; its `i` says how many it wrote before."""


class Clock(Entry, frozen=True, kw_only=True, tag="clock"):
    """Three clocks at one moment: monotonic (`t_ns`), this machine's, and a database's."""

    wall_us: int
    database_us: int
    asked_ns: int
    """When the database was asked; it answered until `t_ns`."""


class Operation(Entry, frozen=True, kw_only=True, tag="operation"):
    """A request begins or ends, or a process does something else."""

    process: str
    """Who did it: a user of a load test, a check, a fault. One does one thing at a time."""
    type: EntryType
    f: str
    """What: an operationId of the API, or the label of what was done."""
    job: str | None = None
    """The id of what it is done to: usually an export, the job of the queue."""
    org: str | None = None
    attempt: int | None = None
    token: str | None = None
    worker: str | None = None
    instance: str | None = None
    """The API instance that was asked."""
    status: int | None = None
    request_id: str | None = None
    intended_ns: int | None = None
    """When a schedule wanted it to begin, by the clock of `t_ns`."""
    key: str | None = None
    """The idempotency key that was sent."""
    sha256: str | None = None
    """The digest of the bytes that were sent or received."""
    step: str | None = None
    """Of a fault's proof: `requested`, `victim` (its own state shows it) or `effect` (another
    client meets it)."""
    seen: str | None = None
    """What showed it."""
    error: str | None = None


class Promise(Entry, frozen=True, kw_only=True, tag="promise"):
    """What the target promises and what we allow; None: it says nothing. Times in seconds."""

    cap: int | None = None
    """Exports of one organization in progress."""
    max_attempts: int | None = None
    stuck_timeout_s: Seconds | None = None
    sweep_interval_s: Seconds | None = None
    slack_s: Seconds | None = None
    grace_s: Seconds | None = None
    """How long a worker may take to drain."""
    drain_s: Seconds | None = None
    """How long the queue may take to empty once no more is requested."""


class Transition(Entry, frozen=True, kw_only=True, tag="transition"):
    """One change of an export's state, attempt or owner, as the trigger recorded it."""

    n: int
    """The order in which the database made them."""
    at_us: int
    """The database's clock when the row was written."""
    job: str
    org: str | None = None
    old_state: str | None = None
    new_state: str
    old_attempt: int | None = None
    new_attempt: int | None = None
    old_worker: str | None = None
    new_worker: str | None = None
    heartbeat_us: int | None = None
    """The last heartbeat before it."""
    txid: int | None = None
    old_token: str | None = None
    token: str | None = None
    """The claim token of the row before and after it."""


class State(Entry, frozen=True, kw_only=True, tag="state"):
    """An export as it stood when it was looked at."""

    job: str
    state: str
    attempt: int | None = None
    org: str | None = None
    error: str | None = None
    """Its error code."""


class Absent(Entry, frozen=True, kw_only=True, tag="absent"):
    """An export that was looked for and not found."""

    job: str
    org: str | None = None


class Poll(Entry, frozen=True, kw_only=True, tag="poll"):
    """The state of an export at one poll over HTTP: anything may happen between two of them."""

    job: str
    state: str
    attempt: int
    worker: str | None = None
    org: str | None = None


class Event(Entry, frozen=True, kw_only=True, tag="event"):
    """An event of the ledger that was looked at."""

    job: str
    """The id of its target."""
    name: str
    org: str | None = None


class Link(Entry, frozen=True, kw_only=True, tag="link"):
    """An event as a link of its organization's chain; a look reads whole chains, in order."""

    org: str | None = None
    seq: int
    name: str
    hash: str
    prev: str | None = None
    """The hash that it holds of the event before; None for the first."""


class Download(Entry, frozen=True, kw_only=True, tag="download"):
    """What was found in the bytes of an export that was downloaded."""

    job: str
    status: int
    sha256: str | None = None
    """Of the bytes."""
    declared: str | None = None
    """The digest that the answer's header says."""
    may_lack: bool = False
    """Whether it need not say one."""
    problem: str = ""
    """`no-zip`, `manifest`, `files` or nothing: what is wrong inside."""
    error: str | None = None
    """The same in a sentence."""


class Harmed(Entry, frozen=True, kw_only=True, tag="harmed"):
    """An export whose worker was harmed; with `heartbeat_us`: it can give no sign of life."""

    job: str
    attempt: int | None = None
    worker: str | None = None
    heartbeat_us: int | None = None
    """Its last sign of life, by the database's clock."""
    where: str = ""
    """What was done to the worker, and what it was doing."""


class Watched(Entry, frozen=True, kw_only=True, tag="watched"):
    """From this moment of the database on there is a worker that can take exports back."""

    since_us: int


class Busy(Entry, frozen=True, kw_only=True, tag="busy"):
    """The only owner of an export surely still sleeps over it until then: a stale one is awake."""

    job: str
    worker: str
    until_us: int
    since_us: int | None = None
    """When it claimed the export. None: only an end in ready is known not to be its own."""
    stale: str
    """The worker that has lost it."""
    where: str = ""
    """Where the owner sleeps, and when the stale one was awake."""


class Record(Entry, frozen=True, kw_only=True, tag="record"):
    """One thing that must not change any more, as it stands before or after."""

    what: str
    sha256: str
    after: bool


class Judge(Entry, frozen=True, kw_only=True, tag="judge"):
    """All that was to be looked at is written: the checkers judge it."""

    what: str
    """The cell of the check."""
    ended: bool = False
    """Whether everything accepted must have ended well by now."""
    looked: bool = True
    """Whether the final states were read before it."""
    watched: bool = False
    """Whether every change was recorded."""
    whole: bool = False
    """Whether that holds of all that is there, also of what no client was told to be accepted."""


class Found(Struct, frozen=True, gc=False, omit_defaults=True):
    """A finding that was not made by a checker of histories: an answer, a steady state."""

    rule: str
    cell: Mapping[str, str] = {}
    blocked: bool = False


class Check(Entry, frozen=True, kw_only=True, tag="check"):
    """A check has ended: what its verdict rests on besides the entries before it."""

    observed: int
    needed: int
    found: tuple[Found, ...] = ()
    open: tuple[str, ...] = ()
    """Why it could not be judged, where it could not."""


AnyEntry = (
    Writer | End | Clock | Operation | Promise | Transition | State | Absent | Poll
    | Event | Link | Download | Harmed | Watched | Busy | Record | Judge | Check
)  # fmt: skip
