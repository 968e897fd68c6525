"""Freezes workers while they hold exports, where no failpoint can stop them there."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

from chaos.exports.backlog import Backlog
from chaos.exports.view import View
from chaos.workers.parked_workers import ParkedWorker, refuse_unknown_workers
from harness.errors import Inconclusive
from harness.system import Instance, System
from harness.vocabulary.exports import PREPARING, QUEUED
from harness.waiting import becomes_true, wait_until

FREEZE_DEADLINE_S = 30.0
"""How long it may take until a worker has been frozen with exports in progress."""

FIRST_ORGANIZATIONS = 2
_POLL_S = 0.002

Claim = tuple[str, int]
"""An export, and the attempt at it."""


async def freeze(
    system: System, worker: Instance, view: View, within_s: float = FREEZE_DEADLINE_S
) -> None:
    """Freeze a worker where it blocks no others: they are what is judged."""

    async def is_frozen() -> bool:
        await system.pause(worker)
        if not await view.blocks_others():
            return True
        await system.resume(worker)
        return False

    what = f"a moment in which {worker.name} can be frozen without blocking other clients"
    await wait_until(is_frozen, within_s, what, poll_s=view.moment_s, error=Inconclusive)


@dataclass(frozen=True, kw_only=True)
class BusyWorkerFreezer:
    """Lets frozen workers run one at a time, and freezes each again while it holds exports."""

    system: System
    workers: Sequence[ParkedWorker]
    backlog: Backlog
    view: View
    max_attempts: int
    killed: Sequence[ParkedWorker] = ()
    """Workers of before: what they held may not have been taken back yet."""
    deadline_s: float = FREEZE_DEADLINE_S

    async def freeze_busy(
        self, *, at_once: bool = False, enough: int | None = None
    ) -> Mapping[Claim, ParkedWorker]:
        """Freeze each worker while it holds exports, or as many as hold `enough`; give the claims.

        A worker that is frozen for longer than the stuck timeout rightly loses its exports to those
        that are frozen after it. Where all must hold something in the end, `at_once`, it is made
        to claim others then.

        All stay frozen, and where they block no others. `Inconclusive` when a worker is too fast
        to be caught at work.
        """
        for each in self.workers:
            await self._freeze(each)
        await self.backlog.grow(FIRST_ORGANIZATIONS)
        claims: dict[Claim, ParkedWorker] = {}
        until = time.monotonic() + self.deadline_s
        idle = list(self.workers)
        while idle:
            for each in idle:
                claims |= dict.fromkeys(await self._freeze_at_work(each), each)
                if enough is not None and len(claims) >= enough:
                    return claims
            idle = [each for each in self.workers if at_once and not await self._held(each, {})]
            if idle and time.monotonic() > until:
                raise Inconclusive(
                    f"{idle[0].worker.name} lost its exports each time that another worker was "
                    f"caught: they never held exports together within {self.deadline_s:g} s"
                )
        return claims

    async def _freeze_at_work(self, each: ParkedWorker) -> set[Claim]:
        """Let a frozen worker run until it holds exports, freeze it again, and give its claims."""
        before = {one.export_id: one.attempt for one in await self.view.in_progress()}
        until = time.monotonic() + self.deadline_s
        for run_for_s in cycle(self.view.run_for_s):
            await self._offer_work()
            await self.system.resume(each.worker)
            await becomes_true(lambda: self._held(each, before), run_for_s, poll_s=_POLL_S)
            await self._freeze(each)
            held = await self._held(each, before)
            # After the last attempt an export rightly fails: that is not what is looked for.
            if held and all(attempt < self.max_attempts for _, attempt in held):
                return held
            if time.monotonic() > until:
                break
        raise Inconclusive(
            f"{each.worker.name} was never seen with an export in progress while it blocked no "
            f"other client, within {self.deadline_s:g} s and {len(self.backlog.owners)} exports"
        )

    async def _held(self, each: ParkedWorker, before: Mapping[str, int]) -> set[Claim]:
        """Give what a worker holds: by its name, or else all that was claimed since `before`."""
        now = await self.view.in_progress()
        if self.view.shows_workers:
            known = (*self.workers, *self.killed)
            refuse_unknown_workers((one.worker for one in now), known)
            now = [one for one in now if one.worker == each.worker.name]
        else:
            now = [one for one in now if one.attempt > before.get(one.export_id, -1)]
        return {(one.export_id, one.attempt) for one in now}

    async def _freeze(self, each: ParkedWorker) -> None:
        await freeze(self.system, each.worker, self.view, self.deadline_s)

    async def _offer_work(self) -> None:
        """Request exports unless one waits whose organization has nothing in progress.

        The others may have to wait: an organization may have reached its cap.
        """
        live = await self.view.live()
        busy = {one.organization_id for one in live if one.state == PREPARING}
        if not any(one.state == QUEUED and one.organization_id not in busy for one in live):
            await self.backlog.grow(1)
