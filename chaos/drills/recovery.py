"""What a system must do about exports whose workers are dead or frozen."""

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
    """Orphaned exports, and what the system promises about them."""

    orphans: Sequence[Orphan]
    times: RecoveryTimes
    watched_from: datetime
    """When a worker was started that can take them back, by the clock of what is observed."""
    cap: int
    """How many exports of an organization may be in progress."""
    disturbed: Collection[str] = frozenset()
    """Exports whose worker was frozen for a while before the fault: another worker may rightly
    have taken them over."""

    @property
    def notes(self) -> dict[str, str]:
        """What was done to the worker of each, for messages."""
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
        orphaned = {each.export_id for each in self.orphans}
        ends = exactly_once(
            [export.id for export in observed.exports],
            observed.exports,
            observed.completions,
            observed.transitions,
            harmed={*orphaned, *self.disturbed},
        )
        if observed.transitions is None:
            return ends + self._not_claimed_anew(observed)
        transitions = observed.transitions
        stolen = never_stolen(transitions, self.times.stuck_timeout_s)
        return [
            # Of living workers; what dead ones lost too early is among the delays.
            *(violation for violation in stolen if violation.subject not in orphaned),
            *self.delays(observed),
            *ends,
            *one_more_attempt(self.orphans, observed.exports),
            *per_organization_cap(transitions, self.cap),
        ]

    def _not_claimed_anew(self, observed: ExportFacts) -> list[Violation]:
        """Give the orphans that ended without another attempt: all that the API shows of them."""
        facts = {export.id: export for export in observed.exports}
        return [
            Violation(
                rule="attempts",
                subject=orphan.export_id,
                expected=f"another attempt at export {orphan.export_id} after attempt "
                f"{orphan.attempt}, which its worker could not finish",
                got=facts[orphan.export_id].describe(),
            )
            for orphan in self.orphans
            if (facts[orphan.export_id].attempt or 0) <= orphan.attempt
        ]
