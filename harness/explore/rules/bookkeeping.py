"""Who owns which export while a trace is followed, and what was broken on the way.

Only committed claims count as ownership. The result of a step is judged by what was committed
when it arrived.
"""

from collections.abc import Set
from dataclasses import dataclass, field, replace

from harness.explore.protocol.protocol import State
from harness.explore.rules.violation import Violation
from harness.explore.scripts.scenario import Kind
from harness.explore.short_names import ShortNames
from harness.explore.trace import (
    DELETED,
    Committed,
    Ended,
    ExportState,
    Hold,
    Moment,
    Snapshot,
    Trace,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """Who owns an export, by which claim."""

    worker: int
    hold: Hold
    number: int = 0
    """The step that claimed it."""


@dataclass(kw_only=True)
class Book:
    """What is known at one moment of a trace."""

    trace: Trace
    state: State
    earlier_tokens: Set[str]
    """Of the interleavings before this one on the same database."""
    found: list[Violation] = field(default_factory=list)
    owners: dict[str, Owner] = field(default_factory=dict)
    stale: set[str] = field(default_factory=set)
    """Exports that a stale step was seen to change."""
    unsure: set[str] = field(default_factory=set)
    """Exports that recovery may have taken back in this moment: it did not report which."""
    tokens: set[str] = field(default_factory=set)
    attempts: dict[str, int] = field(default_factory=dict)
    completions: dict[str, int] = field(default_factory=dict)
    lost_by: dict[str, str] = field(default_factory=dict)
    """By what each export last lost its owner, in words."""
    signs_of_life: dict[str, int] = field(default_factory=dict)
    """By export: the event of its owner's last sign of life."""
    due: dict[int, dict[str, Owner]] = field(default_factory=dict)
    """By recovery's step: what it has to take back, found silent and with nothing in its way."""
    aged: dict[str, int] = field(default_factory=dict)
    """By export: the event by which an hour had passed."""
    events: int = 0
    was_open: frozenset[int] = frozenset()
    """The workers that had an open transaction before this moment."""

    def __post_init__(self) -> None:
        self.names = ShortNames(self.trace)
        self.moment: Moment = self.trace.moments[0]
        self.current: Snapshot = self.trace.before
        for export in self.current.values():
            self.attempts[export.id] = export.attempt or 0

    def report(self, rule: str, got: str) -> None:
        """Note that this moment broke a rule."""
        self.found.append(Violation(rule=rule, number=self.moment.call.number, got=got))

    def after(self, export: str) -> ExportState | None:
        """An export as committed after this moment; None where nothing was committed."""
        if self.moment.after is None:
            return None
        found = self.moment.after.get(export)
        if found is None and (known := self.current.get(export)) is not None:
            return replace(known, state=DELETED, token=None, owner=None, completions=None)
        return found

    def owns(self, step: Ended, hold: Hold) -> bool:
        """Whether the worker of a step owns the export by this claim."""
        owner = self.owners.get(hold.export)
        return owner is not None and owner.hold == hold and owner.worker == step.call.worker

    def may_have_expired(self, export: str) -> bool:
        """Whether the claim may have run out by itself: its owner may be refused from then on."""
        return self.trace.takes_over and self.is_silent(export)

    def is_silent(self, export: str) -> bool:
        """Whether an hour has passed since the last sign of life."""
        return self.aged.get(export, -1) > self.signs_of_life.get(export, -1)

    def is_alone(self, step: Ended) -> bool:
        """Whether only this step can have changed the state in this moment."""
        return all(
            other.call.number == step.call.number
            for event in self.moment.events
            if isinstance(event, Committed)
            for other in event.steps
        )

    def is_undisturbed(self, step: Ended) -> bool:
        """Whether also no other worker had a transaction open."""
        return self.is_alone(step) and not self.was_open - {step.call.worker}

    def change_of(self, export: str) -> str:
        """How an export changed in this moment, in words; empty when it did not."""
        before, after = self.current.get(export), self.after(export)
        if after == before or after is None or before is None:
            return ""
        if after.state == DELETED:
            return "it is deleted"
        if after.state == before.state:
            return f"{self.names.state(after)}, and its row has changed"
        return f"from {before.state} to {after.state}"

    def owner_of(self, export: str) -> str:
        """Who owns an export, in words."""
        owner = self.owners.get(export)
        if owner is not None:
            token = f" ({self.names.token(owner.hold.token)})" if owner.hold.token else ""
            return f"{self.names.worker(owner.worker)} owns it since step {owner.number}{token}"
        return f"no worker owns it since {self.lost_by.get(export, 'the beginning')}"

    def end_ownership(self, export: str, step: Ended) -> None:
        """Note by which step an export lost its owner, if it had one."""
        if self.owners.pop(export, None) is not None:
            who = self.names.worker(step.call.worker)
            kind = Kind.RECOVER if step.call.kind is Kind.RECLAIM else step.call.kind
            self.lost_by[export] = f"{who}'s {kind} in step {step.call.number}"
