"""How a drill looks at its exports: in the database where it may, else over HTTP."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chaos.exports.final_state import Snapshot
from harness.checkers import ExportFact, ExportFacts, RecoveryTimes
from harness.errors import Inconclusive

IsOverdue = Callable[[ExportFacts, datetime], bool]
"""Whether something that should have happened by this moment has not: waiting is of no use."""


@dataclass(frozen=True, kw_only=True)
class InProgress:
    """An export in progress."""

    export_id: str
    attempt: int
    worker: str
    heartbeat_at: datetime | None


def known_attempt(attempt: int | None) -> int:
    """Give the attempt at an export; `Inconclusive` where the backend shows none.

    Without it a drill cannot tell work that was taken over from work that went on.
    """
    if attempt is None:
        raise Inconclusive(
            "neither the table of exports nor the API shows how often an export was claimed: name "
            "the column of attempt in [claim.columns], or its field in [contract.fields.export]"
        )
    return attempt


class View(Protocol):
    """Reads all that a drill with workers must see, and by which it is judged."""

    @property
    def shows_workers(self) -> bool:
        """Whether it is seen which worker holds an export."""

    @property
    def run_for_s(self) -> Sequence[float]:
        """How long a frozen worker runs until it is frozen again, if it is not seen at work sooner.

        First so short that a quick one does not finish all its work, then long enough for one that
        looks for work now and then. Over and over.
        """

    @property
    def moment_s(self) -> float:
        """How long a worker runs that was frozen where it blocks others."""

    @property
    def settle_s(self) -> float:
        """How long to wait for what a worker does when it wakes up."""

    async def observed(self) -> ExportFacts:
        """Give the exports, their completions and, where they are recorded, their changes."""

    async def live(self) -> Sequence[ExportFact]:
        """Give every export that has not ended."""

    async def in_progress(self) -> Sequence[InProgress]:
        """Give every export in progress."""

    async def heartbeats(self, worker: str) -> Mapping[str, object]:
        """Give the last heartbeat of each export that a worker holds, None where none is shown.

        Where workers are not shown: of every export in progress.
        """

    async def blocks_others(self) -> bool:
        """Whether a frozen worker holds locks that others wait for."""

    async def snapshot(self) -> Snapshot:
        """Give all that is known about exports and their events, for comparing."""

    async def now(self) -> datetime:
        """Give the time, by the clock that `observed` uses."""

    async def wait_until_ended(self, times: RecoveryTimes, is_overdue: IsOverdue) -> ExportFacts:
        """Wait until every export has ended, or can no longer end in time; give what is there."""
