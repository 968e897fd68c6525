"""Catching workers with exports in their hands, where no failpoint can be told to hold them."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from pathlib import Path

from chaos.exports.backlog import Backlog
from chaos.exports.final_state import in_progress
from chaos.workers.parked_workers import ParkedWorker, refuse_unknown_workers
from harness.client import Samples
from harness.errors import Inconclusive
from harness.plugin.fixtures import OwnSystem
from harness.target import Capability, Target

EVIDENCE_BYTES = 4 * 1024 * 1024
"""Of the evidence of each proof pack: a worker is at it for long enough to be caught."""

FREEZE_DEADLINE_S = 20.0
"""How long it may take until each of them has been caught."""

RUN_FOR_S = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.3)
"""How long a worker runs before it is frozen again, if it is not seen at work sooner: first so
short that a quick one does not get through all its work, then long enough for one that looks for
work now and then. Over and over."""

IN_FLIGHT_S = 0.05
"""How long what a frozen worker had already sent may take to be done by the database."""

FIRST_ORGANIZATIONS = 4
_POLL_S = 0.002


def backlog_for(own: OwnSystem, target: Target, samples: Samples) -> Backlog:
    """Exports that take their time where no failpoint can hold their workers."""
    evidence_bytes = EVIDENCE_BYTES if target.failpoints is None else None
    return Backlog(own.organizations, samples, evidence_bytes=evidence_bytes)


async def freeze_busy_workers(
    own: OwnSystem,
    workers: Sequence[ParkedWorker],
    backlog: Backlog,
    target: Target,
    *,
    together: bool,
) -> Mapping[str, ParkedWorker]:
    """Freeze each worker while it has exports in progress; give the worker by export.

    One that is frozen for longer than the stuck timeout, while the next ones are lain in wait for,
    rightly loses to them what it had. Where all are to hold something at the end, `together`, it is
    caught anew then.

    They stay frozen, for the caller to kill or to wake, and none within a transaction: what that
    has locked would hold up the others, who are what is judged. `Inconclusive` when one is too fast
    to be caught, or cannot be frozen at all.
    """
    if Capability.PAUSE not in target.capabilities():
        raise Inconclusive(
            "this target has neither failpoints nor a way to pause a worker: nobody can tell "
            "whether a worker was at work when it was killed"
        )
    until = time.monotonic() + FREEZE_DEADLINE_S
    freezer = _Freezer(own=own, workers=workers, backlog=backlog, target=target, until=until)
    for each in workers:
        await own.system.pause(each.worker)
    await backlog.grow(FIRST_ORGANIZATIONS)
    caught: dict[str, ParkedWorker] = {}
    idle = list(workers)
    while idle:
        for each in idle:
            caught |= dict.fromkeys(await freezer.catch(each), each)
        idle = [each for each in workers if together and not await freezer.held(each)]
        if idle and freezer.is_over:
            raise Inconclusive(
                f"{idle[0].worker.name} lost what it had each time that another one was lain in "
                f"wait for: they never held something together within {FREEZE_DEADLINE_S:g} s"
            )
    return caught


@dataclass(frozen=True, kw_only=True)
class _Freezer:
    """Frozen workers that are let go on one at a time, and a backlog that never ends."""

    own: OwnSystem
    workers: Sequence[ParkedWorker]
    backlog: Backlog
    target: Target
    until: float
    """When it is given up, by the monotonic clock."""

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.until

    async def catch(self, each: ParkedWorker) -> set[str]:
        """Freeze one worker while it has exports in progress, and give them."""
        glimpses = cycle(RUN_FOR_S)
        while not (held := await self._glimpse(each, next(glimpses))):
            if self.is_over:
                raise Inconclusive(
                    f"{each.worker.name} was never seen with an export in progress, and outside of "
                    f"a transaction, within {FREEZE_DEADLINE_S:g} s and "
                    f"{len(self.backlog.owners)} exports"
                )
            await self.backlog.grow(1)
        return held

    async def _glimpse(self, each: ParkedWorker, seconds: float) -> set[str]:
        """Let a worker run until it is at work; give what it holds, frozen again.

        Nothing, but frozen all the same, where there is nothing to be held or the time is over.
        """
        end = time.monotonic() + seconds
        while True:
            await self.own.system.resume(each.worker)
            try:
                while not await self.held(each) and time.monotonic() < end:
                    await asyncio.sleep(_POLL_S)
            finally:
                await self.own.system.pause(each.worker)
            await asyncio.sleep(IN_FLIGHT_S)
            held = await self.held(each)
            is_first = all(attempt == 1 for attempt in held.values())
            if is_first and not await self._is_in_transaction():
                return set(held)
            if self.is_over:
                return set()
            # It has locks in its hands, or what another had who is frozen: after its last attempt
            # that would rightly fail. It goes on for a moment, however late it is.

    async def held(self, each: ParkedWorker) -> dict[str, int]:
        """Give what a worker has in progress, and at which attempt."""
        rows = await in_progress(self.own.database, self.target)
        refuse_unknown_workers((row["claimed_by"] for row in rows), self.workers)
        return {row["id"]: row["attempt"] for row in rows if row["claimed_by"] == each.worker.name}

    async def _is_in_transaction(self) -> bool:
        return bool((await self.own.control_database.fetch_one(_open_transactions()))["is_open"])


@cache
def _open_transactions() -> str:
    return Path(__file__).with_name("open_transactions.sql").read_text(encoding="utf-8")
