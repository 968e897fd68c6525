"""Were exports of dead workers taken back in time, by the clock of the database?"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from harness.checkers.examples import MIDNIGHT, Example, example
from harness.checkers.facts import ExportFact, Transition
from harness.checkers.violations import Violation
from harness.vocabulary.exports import PREPARING, QUEUED, READY


@dataclass(frozen=True, kw_only=True, slots=True)
class Orphan:
    """An export whose worker can give no sign of life any more."""

    export_id: str
    attempt: int
    """The attempt that its worker was at."""
    heartbeat_at: datetime
    """The last sign of life, by the database's clock."""
    worker: str
    where: str
    """What its worker was doing, for messages: `SIGKILL at before_commit`."""

    def describe(self) -> str:
        """Name it in a message."""
        return f"export {self.export_id} (attempt {self.attempt} of {self.worker}, {self.where})"


@dataclass(frozen=True, kw_only=True, slots=True)
class RecoveryTimes:
    """The times of recovery in seconds, and the slack that we allow."""

    stuck_timeout_s: float
    """Without a heartbeat for this long an export counts as stuck."""
    sweep_interval_s: float
    """How often living workers look for stuck exports."""
    slack_s: float
    """What the statement itself may take on a busy machine."""

    def earliest(self, orphan: Orphan) -> datetime:
        """The first moment at which the export may be taken back."""
        return orphan.heartbeat_at + timedelta(seconds=self.stuck_timeout_s)

    def latest(self, orphan: Orphan, watched_from: datetime) -> datetime:
        """The last one, given that a worker which can do so lives from `watched_from` on."""
        due = max(self.earliest(orphan), watched_from)
        return due + timedelta(seconds=self.sweep_interval_s + self.slack_s)


def reclaimed_in_time(
    orphans: Iterable[Orphan],
    transitions: Iterable[Transition],
    times: RecoveryTimes,
    *,
    watched_from: datetime,
) -> list[Violation]:
    """Give each orphan that was taken back before its time, after it, or not at all.

    Linear in the number of transitions.
    """
    left: dict[tuple[str, int | None], Transition] = {}
    for step in transitions:
        is_same_attempt = step.new_state == PREPARING and step.new_attempt == step.old_attempt
        if step.old_state == PREPARING and not is_same_attempt:
            left.setdefault((step.export_id, step.old_attempt), step)
    found = []
    for orphan in orphans:
        taken = left.get((orphan.export_id, orphan.attempt))
        latest = times.latest(orphan, watched_from)
        if taken is None or taken.at > latest:
            found.append(_too_late(orphan, taken, latest, times))
        elif taken.at < times.earliest(orphan):
            found.append(_too_early(orphan, taken, times))
    return found


def never_stolen(transitions: Iterable[Transition], stuck_timeout_s: float) -> list[Violation]:
    """Give each export that was taken from its owner although the owner's heartbeat was young.

    For systems in which no worker drains: one that does gives its exports back by itself.
    Changes without a known heartbeat say nothing. Linear.
    """
    timeout = timedelta(seconds=stuck_timeout_s)
    return [
        Violation(
            rule="stolen",
            subject=step.export_id,
            expected=f"export {step.export_id} to be left to {step.old_claimed_by}, whose "
            f"heartbeat was {(step.at - step.heartbeat_at).total_seconds():.2f} s old; "
            f"only after {stuck_timeout_s:g} s without one it is stuck",
            got=step.describe(),
        )
        for step in transitions
        if step.old_state == PREPARING
        and (step.new_state == QUEUED or step.is_claim)
        and step.heartbeat_at is not None
        and step.at < step.heartbeat_at + timeout
    ]


def one_more_attempt(orphans: Iterable[Orphan], exports: Iterable[ExportFact]) -> list[Violation]:
    """Give each orphan that is ready, but not at the attempt right after its dead worker's."""
    attempts = {
        export.id: export.attempt
        for export in exports
        if export.state == READY and export.attempt is not None
    }
    return [
        Violation(
            rule="attempts",
            subject=orphan.export_id,
            expected=f"{orphan.describe()} to be ready at attempt {orphan.attempt + 1}",
            got=f"attempt {attempts[orphan.export_id]}",
        )
        for orphan in orphans
        if attempts.get(orphan.export_id, orphan.attempt + 1) != orphan.attempt + 1
    ]


def _too_early(orphan: Orphan, step: Transition, times: RecoveryTimes) -> Violation:
    waited = (step.at - orphan.heartbeat_at).total_seconds()
    return Violation(
        rule="reclaimed-early",
        subject=orphan.export_id,
        expected=f"{orphan.describe()} to be taken back not before "
        f"{times.stuck_timeout_s:g} s after its last heartbeat at {_clock(orphan.heartbeat_at)}",
        got=f"{step.describe()}, {waited:.2f} s after it",
    )


def _too_late(
    orphan: Orphan, step: Transition | None, latest: datetime, times: RecoveryTimes
) -> Violation:
    return Violation(
        rule="reclaimed-late",
        subject=orphan.export_id,
        expected=f"{orphan.describe()} to be taken back by {_clock(latest)}: last heartbeat at "
        f"{_clock(orphan.heartbeat_at)}, stuck timeout {times.stuck_timeout_s:g} s, sweep "
        f"{times.sweep_interval_s:g} s, slack {times.slack_s:g} s",
        got=step.describe() if step else "it was not",
    )


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M:%S.%f}"


TIMES_OF_EXAMPLES = RecoveryTimes(stuck_timeout_s=2, sweep_interval_s=0.5, slack_s=0.5)
WATCHED_FROM_OF_EXAMPLES = MIDNIGHT + timedelta(seconds=11)
"""In the examples e1 was claimed by w1, whose last heartbeat was at 10 s."""


def orphan_of_examples() -> Orphan:
    """The export of the examples: due at 12 s, overdue after 13 s."""
    return Orphan(
        export_id="e1",
        attempt=1,
        heartbeat_at=MIDNIGHT + timedelta(seconds=10),
        worker="w1",
        where="SIGKILL",
    )


ACCEPTS: tuple[Example, ...] = (
    example(
        "taken back at the first moment",
        "e1 queued, e1 claimed w1 @9, e1 beats @10, e1 returned @12",
    ),
    example(
        "taken back at the last moment, then done",
        "e1 queued, e1 claimed w1 @9, e1 beats @10, e1 returned @13, e1 claimed w2, e1 ready",
    ),
    example(
        "given up after the last attempt",
        "e1 queued, e1 claimed w1 @9, e1 beats @10, e1 failed @12.5",
    ),
)

REJECTS: tuple[Example, ...] = (
    example("left alone", "e1 queued, e1 claimed w1 @9, e1 beats @10", rule="reclaimed-late"),
    example(
        "long overdue",
        "e1 queued, e1 claimed w1 @9, e1 beats @10, e1 returned @13.1",
        rule="reclaimed-late",
    ),
    example(
        "counted from the start, not from the heartbeat",
        "e1 queued, e1 claimed w1 @9, e1 beats @10, e1 returned @11",
        rule="reclaimed-early",
    ),
    example(
        "claimed by another over the head of its owner",
        "e1 queued, e1 claimed w1 @9, e1 beats @10, e1 claimed w2 @11.9",
        rule="reclaimed-early",
    ),
)
