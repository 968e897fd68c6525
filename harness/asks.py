"""What a check asks of a backend, noted where it asks: a cell that asks for what the target has
not is taken away, and `shakedown checks --target` can say so before anything runs.

The names are those of a target file: `createJob`, `export.state`, `header Location`,
`listLedgerEvents.target_id`, `export type ledger`, `pages of listJobs`, `order of listJobs`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Asks:
    """What a check asks of a backend."""

    whole: tuple[str, ...] = ()
    """Without one of them it cannot look at all."""
    part: tuple[str, ...] = ()
    """Without one of them some of its cells cannot be looked at."""
    left_out: tuple[tuple[str, int], ...] = ()
    """In a run: what was not judged, since the target declares it absent, and how often."""
    met: tuple[str, ...] = ()
    """In a run: which declared words of the backend stood in its answers: `export.state done`."""


NOTHING_ASKED = Asks()


@dataclass(kw_only=True)
class Asked:
    """What one check has asked for so far."""

    whole: set[str] = field(default_factory=set)
    """Outside its cells: without it the check cannot look at all."""
    part: set[str] = field(default_factory=set)
    """Inside its cells only: without it some of them cannot be looked at."""
    optional: set[str] = field(default_factory=set)
    """What it looks for before it asks: it can do without."""
    left_out: dict[str, int] = field(default_factory=dict)
    """What was not judged of an answer, since the target has not got it: how often."""
    met: set[str] = field(default_factory=set)
    """Which declared words of the backend stood in its answers."""

    def frozen(self) -> Asks:
        """All of it so far, sorted."""
        return Asks(
            whole=tuple(sorted(self.whole - self.optional)),
            part=tuple(sorted((self.part | self.optional) - (self.whole - self.optional))),
            left_out=tuple(sorted(self.left_out.items())),
            met=tuple(sorted(self.met)),
        )


_ASKED: ContextVar[Asked | None] = ContextVar("asked", default=None)
_IN_CELL: ContextVar[bool] = ContextVar("in_cell", default=False)


@contextmanager
def noting_asks(asked: Asked) -> Iterator[None]:
    """Note in `asked` what is asked for inside."""
    token = _ASKED.set(asked)
    try:
        yield
    finally:
        _ASKED.reset(token)


@contextmanager
def in_a_cell() -> Iterator[None]:
    """Say that what is asked for inside concerns one cell only."""
    token = _IN_CELL.set(True)
    try:
        yield
    finally:
        _IN_CELL.reset(token)


def ask(name: str, *, part: bool = False) -> None:
    """Note that a check asks for something; `part`: it can do without."""
    asked = _ASKED.get()
    if asked is not None:
        (asked.part if part or _IN_CELL.get() else asked.whole).add(name)


def look_for(name: str) -> None:
    """Note that a check looks whether something is there before it asks for it."""
    asked = _ASKED.get()
    if asked is not None:
        asked.optional.add(name)


def leave_out(name: str) -> None:
    """Note that something is not judged, since the target declares it absent."""
    asked = _ASKED.get()
    if asked is not None:
        asked.part.add(name)
        asked.left_out[name] = asked.left_out.get(name, 0) + 1


UNKNOWN_STATE = "unknown state"
"""What a state of exports is met as that neither the contract nor the target file knows."""


def meet(field_name: str, word: str) -> None:
    """Note that an answer has a word of the backend that the target file declares."""
    asked = _ASKED.get()
    if asked is not None:
        asked.met.add(f"{field_name} {word}")
