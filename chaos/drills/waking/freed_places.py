"""Places under a cap that a draining worker frees: others take up what waited for them."""

import asyncio
from contextlib import AsyncExitStack

from chaos.drills.waking.turns import Waking
from harness.errors import Inconclusive
from harness.plugin.cells import Cells
from harness.system import Instance


async def wake_at_a_freed_place(waking: Waking, cells: Cells) -> None:
    """Let workers end exports of an organization at its cap while they drain, beside an idle one.

    No worker runs before it, and none afterwards.
    """
    drill, cap = waking.drill, waking.drill.target.limits.per_org_in_progress
    await drill.backlog.crowd(cap + 1)
    async with AsyncExitStack() as held:
        await held.enter_async_context(waking.held_up())
        draining, queued = await _workers_at_the_cap(waking, cap)
        idle = await waking.idle_worker()
        async with cells.of(when="ended while its worker drains"):
            since = await drill.view.now()
            stopping = [asyncio.ensure_future(waking.stop(each)) for each in draining]
            try:
                await held.aclose()  # what they hold can end now, within their grace
                what = f"queued at the cap of {cap}, until a worker that drains had ended others"
                await waking.expect_places_filled(queued, since, what)
            finally:
                await asyncio.gather(*stopping)
    await waking.wait_until_idle()
    await drill.own.system.kill(idle)


async def _workers_at_the_cap(waking: Waking, cap: int) -> tuple[list[Instance], set[str]]:
    """Start workers until the cap is reached; give them, and the export that is left in the queue.

    `Inconclusive` where it is not: a worker may have waited for the very table that is locked.
    """
    workers: list[Instance] = []
    queued: set[str] = set()
    for _ in range(cap):  # a worker may have one place alone
        workers.append(await waking.idle_worker())
        queued = await waking.until_full()
        if len(queued) <= 1:
            break
    if len(queued) != 1:
        raise Inconclusive(
            f"{len(workers)} workers left {len(queued)} of {cap + 1} exports of one organization "
            f"queued, not 1: it was not seen what happens at the cap of {cap}"
        )
    return workers, queued
