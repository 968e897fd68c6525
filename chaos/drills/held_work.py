"""Work that cannot end: the evidence that workers read is locked, and their heartbeats go on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chaos.drills.lockable import locks_of, table_of
from chaos.drills.worker_drill import WorkerDrill
from chaos.exports.view import InProgress
from harness.errors import Inconclusive
from harness.system import Instance
from harness.target import Capability
from harness.waiting import wait_until

CLAIMED_WITHIN_S = 10.0
"""How long a worker that has just started may take to hold what it can."""

_POLL_S = 0.05


async def can_hold_work(drill: WorkerDrill) -> bool:
    """Say whether there is a table that work reads, and whether we may lock it."""
    is_ours = drill.view.shows_workers and Capability.DATABASE_CONTROL in drill.offered
    return is_ours and bool(await table_of(drill, "evidence"))


@asynccontextmanager
async def work_held(drill: WorkerDrill) -> AsyncIterator[None]:
    """Inside, what workers have claimed stays in progress. Needs `can_hold_work`."""
    async with drill.injected(*await locks_of(drill, "evidence")):
        yield


async def held_by(drill: WorkerDrill, worker: Instance) -> list[InProgress]:
    """Give what is in progress in its name."""
    return [each for each in await drill.view.in_progress() if each.worker == worker.name]


async def wait_until_held(drill: WorkerDrill, worker: Instance) -> list[InProgress]:
    """Wait until a worker whose work is held has claimed all that it takes, and give it.

    `Inconclusive` if it claims nothing in time.
    """
    held: list[InProgress] = []

    async def holds_all() -> bool:
        nonlocal held
        before, held = held, await held_by(drill, worker)
        return bool(held) and len(held) == len(before)

    within_s = drill.target.pace.wait_s(CLAIMED_WITHIN_S)
    what = f"{worker.name} to hold exports"
    await wait_until(holds_all, within_s, what, poll_s=_POLL_S, error=Inconclusive)
    return held
