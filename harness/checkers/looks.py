"""Looks at a system are written into the history of a drill, and judged by what stands there.

Nothing else is judged: `shakedown recheck` reads the same entries, and runs the same checkers.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from harness.checkers.as_entries import export_fields, transition_fields
from harness.checkers.every import EVERY
from harness.checkers.facts import ExportFact
from harness.checkers.fold import Folding, microseconds
from harness.checkers.read_database import ExportFacts
from harness.checkers.violations import Violation
from harness.history import HistoryReader, HistoryWriter
from harness.history.entries import (
    Absent,
    Download,
    Event,
    Harmed,
    Judge,
    Link,
    Promise,
    Record,
    State,
    Transition,
    Watched,
)
from harness.vocabulary.events import EXPORT_COMPLETED


class Looks:
    """Writes what a drill sees, and asks the checkers."""

    def __init__(self, history: HistoryWriter) -> None:
        self.history = history
        self.incomplete: dict[str, None] = {}
        """What the history lacks, where that leaves the verdict open."""
        self._reader = HistoryReader(history.path)
        self._folding = Folding(EVERY)
        self._written: set[int] = set()
        """The changes that were written: one that commits later may have the smaller number."""
        self._looked = self._watched = False

    def promise(self, **promised: float | None) -> None:
        """Write what the target promises (the fields of `Promise`)."""
        self.history.append(Promise, **promised)

    def harmed(self, jobs: Iterable[Mapping[str, Any]]) -> None:
        """Write which exports lost their workers (the fields of `Harmed`)."""
        for fields in jobs:
            self.history.append(Harmed, **fields)

    def recovery_begins(self, moment: datetime) -> None:
        """Write that from now on there is a worker that can take them back."""
        self.history.append(Watched, since_us=microseconds(moment))

    def exports(self, seen: ExportFacts) -> None:
        """Write exports, completions, and those changes that no earlier look has written."""
        self.changes(seen)
        for export in seen.exports:
            self.export(export)
        for completion in seen.completions:
            self.history.append(Event, job=completion.export_id, name=EXPORT_COMPLETED)
        self._looked, self._watched = True, seen.transitions is not None

    def changes(self, seen: ExportFacts) -> None:
        """Write only the changes: they stand before what is written next."""
        for step in seen.transitions or ():
            if step.n not in self._written:
                self._written.add(step.n)
                self.history.append(Transition, **transition_fields(step))

    def export(self, export: ExportFact | None, job: str = "", org: str | None = None) -> None:
        """Write how one export stands; None: it was looked for and is not there."""
        self._looked = True
        if export is None:
            self.history.append(Absent, job=job, org=org)
        else:
            self.history.append(State, **export_fields(export))

    def chains(self, links: Iterable[Mapping[str, Any]]) -> None:
        """Write the chains of a ledger, in order (the fields of `Link`)."""
        for fields in links:
            self.history.append(Link, **fields)

    def download(self, fields: Mapping[str, Any]) -> None:
        """Write what was found in a download (the fields of `Download`)."""
        self.history.append(Download, **fields)

    def records(self, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        """Write what must not have changed: the SHA-256 of each thing, by what it is."""
        for is_after, digests in ((False, before), (True, after)):
            for what, sha256 in digests.items():
                self.history.append(Record, what=what, sha256=sha256, after=is_after)

    def judge(self, what: str, *, ended: bool = False, whole: bool = False) -> list[Violation]:
        """Let the checkers judge what was written, and give all that is wrong by now.

        `what` is the cell. `ended`: everything accepted must have ended well; `whole`: so must all
        that is there.
        """
        self.history.append(
            Judge,
            what=what,
            ended=ended,
            whole=whole,
            looked=self._looked,
            watched=self._watched,
        )
        self.history.judged.add(what)
        self._looked = self._watched = False
        found: list[Violation] = []
        for entry in self._reader.new():
            if entry.drill == self.history.drill:
                judged = self._folding.take(entry)
                if judged:
                    found = [each for one in judged for each in one.violations]
                    reasons = [one.not_looked_at for one in judged if one.is_incomplete]
                    self.incomplete |= dict.fromkeys(reasons)
        return found
