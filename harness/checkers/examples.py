"""Hand-written histories, short enough to read, that a checker must accept or reject.

A step is `EXPORT VERB [WORKER] [@SECONDS]`; commas or line ends separate steps. The verbs are
`queued`, `claimed W`, `returned` (to the queue), `ready`, `failed`, `canceled`, `stamped W` (the
owner's name overwritten, nothing else), `reset` (the attempt set to 0), and `beats` (a heartbeat,
which is no transition). An export is named `o1.e1` where its organization matters. A step without
a time happens a second after the step before.
"""

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from harness.checkers.facts import CompletionFact, ExportFact, Transition
from harness.vocabulary.exports import CANCELED, FAILED, PREPARING, QUEUED, READY

MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)

_STATES = {
    QUEUED: QUEUED,
    "claimed": PREPARING,
    "returned": QUEUED,
    READY: READY,
    FAILED: FAILED,
    CANCELED: CANCELED,
}


@dataclass(frozen=True, kw_only=True)
class Example:
    """A history with the end it leads to."""

    title: str
    """What it shows."""
    transitions: tuple[Transition, ...]
    exports: tuple[ExportFact, ...]
    completions: tuple[CompletionFact, ...]
    harmed: frozenset[str] = frozenset()
    rule: str = ""
    """The rule that it breaks, for one that is to be rejected."""

    @property
    def accepted(self) -> tuple[str, ...]:
        """Every export that was queued."""
        return tuple(dict.fromkeys(step.export_id for step in self.transitions))


def example(
    title: str,
    steps: str,
    *,
    rule: str = "",
    events: dict[str, int] | None = None,
    harmed: str = "",
    gone: str = "",
) -> Example:
    """Build an example from its steps.

    Each export that ends ready has one completed event unless `events` says how many; `harmed`
    and `gone` (exports that no longer exist) are names with blanks between them.
    """
    transitions = tuple(transitions_of(steps))
    last = {step.export_id: step for step in transitions}
    exports = tuple(
        ExportFact(
            id=step.export_id,
            state=step.new_state,
            attempt=step.new_attempt,
            organization_id=step.organization_id,
        )
        for step in last.values()
        if step.export_id not in gone.split()
    )
    counts = {export.id: int(export.state == READY) for export in exports} | (events or {})
    return Example(
        title=title,
        transitions=transitions,
        exports=exports,
        completions=tuple(
            CompletionFact(export_id=name) for name, count in counts.items() for _ in range(count)
        ),
        harmed=frozenset(harmed.split()),
        rule=rule,
    )


def transitions_of(steps: str) -> list[Transition]:
    """Turn steps into the transitions that a database would have recorded."""
    written: list[Transition] = []
    now: dict[str, Transition] = {}
    at = MIDNIGHT
    heartbeats: dict[str, datetime] = defaultdict(lambda: MIDNIGHT)
    for line in filter(None, map(str.strip, re.split(r"[,\n]", steps))):
        export, verb, *rest = line.split()
        times = [word for word in rest if word.startswith("@")]
        at = MIDNIGHT + timedelta(seconds=float(times[0][1:])) if times else at + _SECOND
        if verb == "beats":
            heartbeats[export] = at
            continue
        step = _next(export, verb, next((word for word in rest if word[0] != "@"), None), now)
        step = replace(step, n=len(written) + 1, at=at, heartbeat_at=heartbeats.get(export))
        if verb == "claimed":
            heartbeats[export] = at
        now[export] = step
        written.append(step)
    return written


_SECOND = timedelta(seconds=1)


def _next(export: str, verb: str, worker: str | None, now: dict[str, Transition]) -> Transition:
    before = now.get(export)
    state, attempt, owner = (
        (before.new_state, before.new_attempt, before.new_claimed_by)
        if before
        else (None, None, None)
    )
    new_owner = worker or (None if verb == "returned" else owner)
    return Transition(
        n=0,
        at=MIDNIGHT,
        export_id=export,
        organization_id=export.partition(".")[0],
        old_state=state,
        new_state=_STATES.get(verb) or state or QUEUED,
        old_attempt=attempt,
        new_attempt=0 if verb == "reset" else (attempt or 0) + (verb == "claimed"),
        old_claimed_by=owner,
        new_claimed_by=new_owner,
    )
