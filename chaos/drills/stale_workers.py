"""Workers that lost their exports while they were frozen, and what they do when they wake up."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psutil

from chaos.workers.parked_workers import ParkedWorker
from harness.checkers import ExportFacts
from harness.checkers.fencing import LEFT
from harness.checkers.fold import microseconds
from harness.errors import Inconclusive
from harness.waiting import wait_until

PRECISION = 0.9
"""The part of a sleep that has surely passed when it ends: its clock is not the database's."""

AWAKE_DEADLINE_S = 5.0
_POLL_S = 0.02


@dataclass(frozen=True, kw_only=True)
class StaleWakeUp:
    """A stale worker wakes up while its successor works on the exports that it once held."""

    stale: ParkedWorker
    successor: ParkedWorker
    """Sleeps over each export for a while: what is finished sooner was finished by another."""
    taken: Mapping[str, datetime]
    """When the successor claimed each of the exports, by the database's clock."""
    still_asleep_at: datetime
    woken_at: datetime
    """A moment after it was woken."""

    def busy(self) -> Iterator[Mapping[str, Any]]:
        """Give, for the history, how long the only owner of each export surely sleeps over it."""
        for export_id, claimed_at in self.taken.items():
            sleeps = timedelta(seconds=self.successor.seconds * PRECISION)
            yield {
                "job": export_id,
                "worker": self.successor.worker.name,
                "since_us": microseconds(claimed_at),
                "until_us": microseconds(claimed_at + sleeps),
                "stale": self.stale.worker.name,
                "where": f"sleeps {self.successor.where}, for {self.successor.seconds:g} s from "
                f"its claim at {claimed_at:%H:%M:%S.%f} on; the stale one woke up "
                f"{self.stale.where} by {self.woken_at:%H:%M:%S.%f}",
            }

    def met(self, observed: ExportFacts) -> set[str]:
        """Give the exports that left their owner after the wake-up; `Inconclusive` if none was."""
        met = {
            step.export_id
            for step in observed.watched()
            if step.new_state in LEFT
            and step.export_id in self.taken
            and step.at > self.still_asleep_at
        }
        if not met:
            raise Inconclusive(
                f"{self.successor.worker.name} finished all {len(self.taken)} exports of "
                f"{self.stale.worker.name} before that one was resumed at "
                f"{self.still_asleep_at:%H:%M:%S.%f}: no export was worked on by both"
            )
        return met


def context_switches(stale: ParkedWorker) -> int:
    """Count how often the worker's process has begun to wait: the number rises while it runs.

    `Inconclusive` where its process cannot be seen from here.
    """
    if stale.worker.pid is None:
        raise Inconclusive(f"the process of {stale.worker.name} cannot be seen on this machine")
    count: int = psutil.Process(stale.worker.pid).num_ctx_switches().voluntary
    return count


async def wait_until_running(stale: ParkedWorker, before: int) -> None:
    """Wait until the worker runs: its switches exceed `before`. Else `Inconclusive`."""
    await wait_until(
        lambda: context_switches(stale) > before,
        AWAKE_DEADLINE_S,
        f"{stale.worker.name} to do anything after SIGCONT",
        poll_s=_POLL_S,
        error=Inconclusive,
    )
