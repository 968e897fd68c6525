"""Scripts of what workers do, and the queue they do it on.

A script is written as words: `claim` commits by itself; `claim+` is left open, its commit is a
step of its own; `claim-` is left open and rolled back in the end. `BEGIN` is no step of its own:
a transaction has no effect before its first statement.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """One step of a worker."""

    CLAIM = "claim"
    HEARTBEAT = "heartbeat"
    COMPLETE = "complete"
    FAIL = "fail"
    RELEASE = "release"
    RECOVER = "recover"
    """Recovery as a worker calls it: it takes back what has been silent for the timeout."""
    AGE = "age"
    """An hour passes: every owned export looks silent, until its owner's next heartbeat."""
    RECLAIM = "reclaim"
    """An hour passes, and recovery runs before any other step."""
    COMMIT = "commit"
    ROLLBACK = "rollback"


OWNER_KINDS = (Kind.HEARTBEAT, Kind.COMPLETE, Kind.FAIL, Kind.RELEASE)
"""Steps that name an export and the token it was claimed with."""

ENDING_KINDS = (Kind.COMPLETE, Kind.FAIL)
RECOVERY_KINDS = (Kind.RECOVER, Kind.RECLAIM)
TRANSACTION_ENDS = (Kind.COMMIT, Kind.ROLLBACK)

NAMEABLE_KINDS = (Kind.CLAIM, *OWNER_KINDS, Kind.RECOVER)
"""Steps that a protocol file may name; the others follow from these."""


@dataclass(frozen=True, kw_only=True)
class Act:
    """One step in a script."""

    kind: Kind
    held: bool = False
    """Whether its transaction stays open until a later commit or rollback of the script."""

    def __str__(self) -> str:
        return self.kind.value


Script = tuple[Act, ...]


def script(words: str) -> Script:
    """Read a script: `claim+ heartbeat complete-`. Raises `ValueError` for an unknown word."""
    acts: list[Act] = []
    for word in words.split():
        name, mark = (word[:-1], word[-1]) if word[-1] in "+-" else (word, "")
        acts.append(Act(kind=Kind(name), held=bool(mark)))
        if mark:
            acts.append(Act(kind=Kind.COMMIT if mark == "+" else Kind.ROLLBACK))
    return tuple(acts)


def needs(scripts: Iterable[Script], *, takes_over: bool = False) -> frozenset[Kind]:
    """Give the steps that a protocol must name for these scripts.

    Where claims take over what has run out, an hour can pass without recovery.
    """
    return frozenset(_needs(scripts, takes_over=takes_over))


def _needs(scripts: Iterable[Script], *, takes_over: bool) -> Iterator[Kind]:
    for each in scripts:
        for act in each:
            if act.kind is Kind.AGE and takes_over:
                continue
            if act.kind in (Kind.AGE, Kind.RECLAIM):
                yield Kind.RECOVER
            elif act.kind not in TRANSACTION_ENDS:
                yield act.kind


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Scripts that run side by side on a queue that was filled for them."""

    title: str
    scripts: tuple[Script, ...]
    exports: tuple[int, ...] = (1,)
    """How many are queued, by organization."""
    limit: int = 1
    """How many a claim may take."""
    cap: int = 3
    """How many of one organization may be in progress."""
    one_name: bool = False
    """Whether all workers give the same name, as one that was started again does."""

    @property
    def lengths(self) -> tuple[int, ...]:
        """How many steps each worker has."""
        return tuple(map(len, self.scripts))

    def describe(self) -> str:
        """Describe it in one line."""
        queued = " + ".join(map(str, self.exports))
        names = ", one name" if self.one_name else ""
        return f"{self.title} ({queued} queued, limit {self.limit}, cap {self.cap}{names})"
