"""What every drill with workers that cannot go on holds a system to."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from harness.checkers import (
    ExportFacts,
    Orphan,
    RecoveryTimes,
    Violation,
    exactly_once,
    never_stolen,
    one_more_attempt,
    per_organization_cap,
    reclaimed_in_time,
)


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """Exports without a worker, and what the system promises about them."""

    orphans: Sequence[Orphan]
    times: RecoveryTimes
    watched_from: datetime
    """Since when, by the database's clock, there is a worker that can take them back."""
    cap: int
    """How many exports of an organization may be in progress."""
    disturbed: Collection[str] = frozenset()
    """Exports whose worker stood still for a while before the drill began: whoever ran meanwhile
    may rightly have taken them over."""

    @property
    def notes(self) -> dict[str, str]:
        """What befell the worker of each, for messages."""
        return {each.export_id: f"{each.worker} got {each.where}" for each in self.orphans}

    def is_overdue(self, observed: ExportFacts, now: datetime) -> bool:
        """Say whether one of them should have been taken back by now and was not."""
        return bool(self.delays(observed)) and all(
            now > self.times.latest(each, self.watched_from) for each in self.orphans
        )

    def delays(self, observed: ExportFacts) -> list[Violation]:
        """Give each of them that was taken back too early, too late or not at all."""
        return reclaimed_in_time(
            self.orphans, observed.watched(), self.times, watched_from=self.watched_from
        )

    def violations(self, observed: ExportFacts) -> list[Violation]:
        """Give everything that is wrong at the end: the likeliest cause first."""
        transitions = observed.watched()
        orphaned = {each.export_id for each in self.orphans}
        stolen = never_stolen(transitions, self.times.stuck_timeout_s)
        return [
            # Of those who live; what the dead lost too early is among the delays.
            *(violation for violation in stolen if violation.subject not in orphaned),
            *self.delays(observed),
            *exactly_once(
                [export.id for export in observed.exports],
                observed.exports,
                observed.completions,
                transitions,
                harmed={*orphaned, *self.disturbed},
            ),
            *one_more_attempt(self.orphans, observed.exports),
            *per_organization_cap(transitions, self.cap),
        ]
