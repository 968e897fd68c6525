"""What a system must do about exports whose workers are dead or frozen."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from harness.checkers import ExportFacts, Orphan, RecoveryTimes, Violation, reclaimed_in_time
from harness.checkers.fold import microseconds
from harness.checkers.recovery import harmed_fields
from harness.history.entries import Entry, Harmed, Watched


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """Orphaned exports, and what the system promises about them."""

    orphans: Sequence[Orphan]
    times: RecoveryTimes
    watched_from: datetime
    """When a worker was started that can take them back, by the clock of what is observed."""
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

    def entries(self) -> Iterator[tuple[type[Entry], Mapping[str, Any]]]:
        """Give what a history says of it: the kind of each entry, and its fields."""
        for orphan in self.orphans:
            yield Harmed, harmed_fields(orphan)
        for export_id in self.disturbed:
            yield Harmed, {"job": export_id}
        yield Watched, {"since_us": microseconds(self.watched_from)}
