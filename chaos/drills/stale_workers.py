"""Workers that lost their exports in their sleep, and what they may have done about it."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import psutil

from chaos.workers.parked_workers import ParkedWorker
from harness.checkers import ExportFacts, Violation
from harness.errors import Inconclusive
from harness.vocabulary.exports import READY

PRECISION = 0.9
"""The part of a sleep that surely has passed when it ends: its clock is not the database's."""

AWAKE_DEADLINE_S = 5.0
_POLL_S = 0.02


@dataclass(frozen=True, kw_only=True)
class StaleWakeUp:
    """A zombie that wakes up while its successor is at the exports that once were its own."""

    zombie: ParkedWorker
    successor: ParkedWorker
    """Sleeps over each export for a while, so whoever finishes one sooner is not the successor."""
    taken: Mapping[str, datetime]
    """When the successor claimed each of the exports, by the database's clock."""
    still_asleep_at: datetime
    woken_at: datetime
    """A moment after it was woken."""

    def finished_by_zombie(self, observed: ExportFacts) -> list[Violation]:
        """Give each export that was finished while its only owner slept over it."""
        busy = timedelta(seconds=self.successor.seconds * PRECISION)
        return [
            Violation(
                rule="finished-by-zombie",
                subject=step.export_id,
                expected=f"export {step.export_id} not to be ready before its owner "
                f"{step.old_claimed_by} (attempt {step.old_attempt}) is through with it, which "
                f"claimed it at {self.taken[step.export_id]:%H:%M:%S.%f} and sleeps "
                f"{self.successor.seconds:g} s {self.successor.where}",
                got=f"{step.describe()}: {self.zombie.worker.name}, whose claim is stale, had "
                f"woken up {self.zombie.where} by {self.woken_at:%H:%M:%S.%f}",
            )
            for step in observed.watched()
            if step.new_state == READY
            and step.export_id in self.taken
            and step.at < self.taken[step.export_id] + busy
        ]

    def met(self, observed: ExportFacts) -> set[str]:
        """Which exports were not finished before the zombie woke; `Inconclusive` when all were."""
        met = {
            step.export_id
            for step in observed.watched()
            if step.new_state == READY
            and step.export_id in self.taken
            and step.at > self.still_asleep_at
        }
        if not met:
            raise Inconclusive(
                f"{self.successor.worker.name} was done with all {len(self.taken)} exports of "
                f"{self.zombie.worker.name} before that woke up at "
                f"{self.still_asleep_at:%H:%M:%S.%f}: they did not meet"
            )
        return met


def context_switches(zombie: ParkedWorker) -> int:
    """How often the worker's process has gone to wait for something: it rises while it runs.

    `Inconclusive` where its process cannot be seen from here.
    """
    if zombie.worker.pid is None:
        raise Inconclusive(f"the process of {zombie.worker.name} cannot be seen on this machine")
    count: int = psutil.Process(zombie.worker.pid).num_ctx_switches().voluntary
    return count


async def wait_until_running(zombie: ParkedWorker, before: int) -> None:
    """Wait until the worker runs: its switches exceed `before`. Else `Inconclusive`."""
    until = time.monotonic() + AWAKE_DEADLINE_S
    while context_switches(zombie) <= before:
        if time.monotonic() > until:
            raise Inconclusive(
                f"{zombie.worker.name} did nothing in {AWAKE_DEADLINE_S:g} s after SIGCONT"
            )
        await asyncio.sleep(_POLL_S)
