"""Were exports of dead workers taken back in time, by the clock of the database?"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from harness.checkers.as_entries import FIXED, of_export, of_transitions
from harness.checkers.examples import MIDNIGHT, Example, example
from harness.checkers.facts import ExportFact, Transition
from harness.checkers.fold import (
    NO_ATTEMPT,
    Checker,
    Facts,
    NotLookedAt,
    Taker,
    described,
    fold,
    in_us,
    microseconds,
    moment,
)
from harness.checkers.states import expect_watched
from harness.checkers.violations import Violation
from harness.history import entries
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


class RecoveryInTime(Checker):
    """What a worker holds that can give no sign of life is taken back in time, and not before.

    Fairly, too: the time of each counts for itself, however much else is in progress.
    """

    name = "recovery-in-time"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._orphans: dict[tuple[int, int], entries.Harmed] = {}
        self._left: dict[tuple[int, int], entries.Transition] = {}
        self._watched_from_us: int | None = None

    @property
    def takes(self) -> Mapping[type[entries.Entry], Taker]:
        """Orphans, when they may be taken back, and every change."""
        return {
            entries.Harmed: self._harmed,
            entries.Watched: self._watched,
            entries.Transition: self._take,
        }

    def _harmed(self, entry: entries.Harmed, number: int) -> None:
        if entry.heartbeat_us is not None and entry.attempt is not None:
            self._orphans[number, entry.attempt] = entry

    def _watched(self, entry: entries.Watched, _: int) -> None:
        self._watched_from_us = entry.since_us

    def _take(self, step: entries.Transition, number: int) -> None:
        if step.old_state != PREPARING or not self._orphans:
            return
        is_same_attempt = step.new_state == PREPARING and step.new_attempt == step.old_attempt
        key = (number, -1 if step.old_attempt is None else step.old_attempt)
        if not is_same_attempt and key in self._orphans:
            self._left.setdefault(key, step)

    def violations(self, judge: entries.Judge) -> Iterator[Violation]:
        """Give each orphan that was taken back before its time, after it, or not at all."""
        times, from_us = _times(self.facts.promise), self._watched_from_us
        if not self._orphans or from_us is None or times is None:
            raise NotLookedAt("no export was left by its worker, or no times of recovery")
        expect_watched(judge)
        if not judge.ended:
            raise NotLookedAt("exports were still allowed to be in progress")
        for key, harmed in self._orphans.items():
            orphan, taken = _orphan(harmed), self._left.get(key)
            latest = times.latest(orphan, moment(from_us))
            if taken is None or taken.at_us > microseconds(latest):
                yield _too_late(orphan, taken, latest, times)
            elif taken.at_us < microseconds(times.earliest(orphan)):
                yield _too_early(orphan, taken, times)


def _times(promise: entries.Promise) -> RecoveryTimes | None:
    times = (promise.stuck_timeout_s, promise.sweep_interval_s, promise.slack_s)
    if times[0] is None or times[1] is None or times[2] is None:
        return None
    return RecoveryTimes(stuck_timeout_s=times[0], sweep_interval_s=times[1], slack_s=times[2])


def _orphan(harmed: entries.Harmed) -> Orphan:
    assert harmed.attempt is not None
    assert harmed.heartbeat_us is not None
    return Orphan(
        export_id=harmed.job,
        attempt=harmed.attempt,
        heartbeat_at=moment(harmed.heartbeat_us),
        worker=harmed.worker or "",
        where=harmed.where,
    )


def harmed_fields(orphan: Orphan) -> dict[str, Any]:
    """Give the fields of the entry of an orphan."""
    return {
        "job": orphan.export_id,
        "attempt": orphan.attempt,
        "worker": orphan.worker,
        "heartbeat_us": microseconds(orphan.heartbeat_at),
        "where": orphan.where,
    }


def promise_fields(times: RecoveryTimes) -> dict[str, Any]:
    """Give the fields of the entry of what is promised."""
    return {
        "stuck_timeout_s": times.stuck_timeout_s,
        "sweep_interval_s": times.sweep_interval_s,
        "slack_s": times.slack_s,
    }


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
    given: list[entries.Entry] = [
        entries.Promise(**FIXED, **promise_fields(times)),
        entries.Watched(since_us=microseconds(watched_from), **FIXED),
    ]
    given += (entries.Harmed(**FIXED, **harmed_fields(each)) for each in orphans)
    judge = entries.Judge(what="", ended=True, watched=True, **FIXED)
    return fold([RecoveryInTime], [*given, *of_transitions(transitions)], judge)


class LeaseExclusive(Checker):
    """No export is taken from an owner whose heartbeat is young, by the database's clock.

    Where no worker drains: one that does gives its exports back by itself. What dead ones lost too
    early is recovery's. Changes without a known heartbeat say nothing.
    """

    name = "lease-exclusive"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._draining: set[str | None] = set()
        self._stolen: list[tuple[int, Violation]] = []

    @property
    def takes(self) -> Mapping[type[entries.Entry], Taker]:
        """Every change, and which workers drain."""
        return {entries.Transition: self._take, entries.Operation: self._drains}

    def _drains(self, entry: entries.Operation, _: int) -> None:
        if entry.f == DRAIN:
            self._draining.add(entry.worker)

    def _take(self, step: entries.Transition, number: int) -> None:
        timeout_s = self.facts.promise.stuck_timeout_s
        if (
            timeout_s is not None
            and step.old_state == PREPARING
            and (step.new_state == QUEUED or self.facts.is_claim)
            and step.heartbeat_us is not None
            and step.at_us < step.heartbeat_us + in_us(timeout_s)
            and step.old_worker not in self._draining
        ):
            self._stolen.append((number, _stolen(step, timeout_s)))

    def violations(self, judge: entries.Judge) -> Iterator[Violation]:
        """Give each export that was taken from a living owner."""
        expect_watched(judge)
        if self.facts.promise.stuck_timeout_s is None:
            raise NotLookedAt("no stuck timeout is promised")
        return (each for number, each in self._stolen if self.facts.harmed[number] < ORPHANED)


ORPHANED = 2
"""In the facts' column `harmed`."""

DRAIN = "drain"
"""The `f` of the operation that stops a worker."""


def _stolen(step: entries.Transition, stuck_timeout_s: float) -> Violation:
    age_s = (step.at_us - (step.heartbeat_us or 0)) / 1e6
    return Violation(
        rule="stolen",
        subject=step.job,
        expected=f"export {step.job} to be left to {step.old_worker}, whose "
        f"heartbeat was {age_s:.2f} s old; "
        f"only after {stuck_timeout_s:g} s without one it is stuck",
        got=described(step),
    )


def never_stolen(transitions: Iterable[Transition], stuck_timeout_s: float) -> list[Violation]:
    """Give each export that was taken from its owner although the owner's heartbeat was young.

    For systems in which no worker drains. Linear in the number of transitions.
    """
    promise = entries.Promise(stuck_timeout_s=stuck_timeout_s, **FIXED)
    judge = entries.Judge(what="", watched=True, **FIXED)
    return fold([LeaseExclusive], [promise, *of_transitions(transitions)], judge)


class OneMoreAttempt(Checker):
    """What a dead worker left is ready at the attempt right after that worker's."""

    name = "one-more-attempt"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._orphans: dict[int, entries.Harmed] = {}

    @property
    def takes(self) -> Mapping[type[entries.Entry], Taker]:
        """Orphans."""
        return {entries.Harmed: self._harmed}

    def _harmed(self, entry: entries.Harmed, number: int) -> None:
        if entry.heartbeat_us is not None and entry.attempt is not None:
            self._orphans[number] = entry

    def violations(self, judge: entries.Judge) -> Iterator[Violation]:
        """Give each orphan that is ready at another attempt, or that ended at its worker's."""
        facts = self.facts
        if not self._orphans or not judge.looked or not judge.ended:
            raise NotLookedAt("no export was left by its worker, or no final states")
        for number, harmed in self._orphans.items():
            orphan, attempt = _orphan(harmed), facts.attempt[number]
            if facts.seen[number] != facts.look or attempt == NO_ATTEMPT:
                continue
            if not judge.watched and attempt <= orphan.attempt:
                yield _not_anew(orphan, facts.describe(number))
            elif (
                judge.watched
                and facts.state_name(number) == READY
                and attempt != orphan.attempt + 1
            ):
                yield Violation(
                    rule="attempts",
                    subject=orphan.export_id,
                    expected=f"{orphan.describe()} to be ready at attempt {orphan.attempt + 1}",
                    got=f"attempt {attempt}",
                )


def _not_anew(orphan: Orphan, got: str) -> Violation:
    """What the API alone shows: whether there was another attempt."""
    return Violation(
        rule="attempts",
        subject=orphan.export_id,
        expected=f"another attempt at export {orphan.export_id} after attempt "
        f"{orphan.attempt}, which its worker could not finish",
        got=got,
    )


def one_more_attempt(orphans: Iterable[Orphan], exports: Iterable[ExportFact]) -> list[Violation]:
    """Give each orphan that is ready, but not at the attempt right after its dead worker's."""
    given: list[entries.Entry] = [
        entries.Harmed(**FIXED, **harmed_fields(each)) for each in orphans
    ]
    judge = entries.Judge(what="", ended=True, watched=True, **FIXED)
    return fold([OneMoreAttempt], [*given, *map(of_export, exports)], judge)


def _too_early(orphan: Orphan, step: entries.Transition, times: RecoveryTimes) -> Violation:
    waited = (step.at_us - microseconds(orphan.heartbeat_at)) / 1e6
    return Violation(
        rule="reclaimed-early",
        subject=orphan.export_id,
        expected=f"{orphan.describe()} to be taken back not before "
        f"{times.stuck_timeout_s:g} s after its last heartbeat at {_clock(orphan.heartbeat_at)}",
        got=f"{described(step)}, {waited:.2f} s after it",
    )


def _too_late(
    orphan: Orphan, step: entries.Transition | None, latest: datetime, times: RecoveryTimes
) -> Violation:
    return Violation(
        rule="reclaimed-late",
        subject=orphan.export_id,
        expected=f"{orphan.describe()} to be taken back by {_clock(latest)}: last heartbeat at "
        f"{_clock(orphan.heartbeat_at)}, stuck timeout {times.stuck_timeout_s:g} s, sweep "
        f"{times.sweep_interval_s:g} s, slack {times.slack_s:g} s",
        got=described(step) if step else "it was not",
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
