"""Work that cannot end: the evidence that workers read is locked, and their heartbeats go on."""

from contextlib import AbstractAsyncContextManager

from chaos.drills.worker_drill import WorkerDrill
from chaos.exports.view import InProgress
from chaos.faults.harmed_database import HarmedDatabase
from chaos.faults.hold_session import hold_table
from harness.errors import Inconclusive
from harness.system import Instance
from harness.waiting import wait_until

CLAIMED_WITHIN_S = 10.0
"""How long a worker that has just started may take to hold what it can."""

_POLL_S = 0.05


def work_held(drill: WorkerDrill) -> AbstractAsyncContextManager[object]:
    """Inside, what workers have claimed stays in progress. Needs `can_lock`."""
    table = drill.target.tenant_tables["evidence"]
    return drill.injected(hold_table(HarmedDatabase.of(drill.own.system), table))


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
