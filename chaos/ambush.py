"""Catching workers with exports in their hands, where no failpoint can be told to hold them."""

import asyncio
import time
from collections.abc import Mapping, Sequence

from chaos.aftermath import in_progress
from chaos.backlog import Backlog
from chaos.posts import Post, refuse_strangers
from harness.database import Database
from harness.errors import Inconclusive
from harness.system import System
from harness.target import Capability, Target

AMBUSH_DEADLINE_S = 15.0
"""How long it may take until each of them has been caught."""

GLIMPSE_S = 0.3
"""How long a worker runs before it is frozen again, if it is not seen at work sooner."""

IN_FLIGHT_S = 0.05
"""How long what a frozen worker had already sent may take to be done by the database."""

FIRST_ORGANISATIONS = 4
_POLL_S = 0.002


async def caught_at_work(
    system: System, posts: Sequence[Post], backlog: Backlog, database: Database, target: Target
) -> Mapping[str, Post]:
    """Freeze each worker while it has exports in progress; give the post by export.

    They stay frozen, for the caller to kill or to wake. `Inconclusive` when one is too fast to be
    caught, or cannot be frozen at all.
    """
    if Capability.PAUSE not in target.capabilities():
        raise Inconclusive(
            "this target has neither failpoints nor a way to pause a worker: nobody can tell "
            "whether a worker was at work when it was killed"
        )
    until = time.monotonic() + AMBUSH_DEADLINE_S
    for each in posts:
        await system.pause(each.worker)
    await backlog.grow(FIRST_ORGANISATIONS)
    caught: dict[str, Post] = {}
    for each in posts:
        while not (held := await _glimpse(system, each, posts, database, target)):
            if time.monotonic() > until:
                raise Inconclusive(
                    f"{each.worker.name} was never seen with an export in progress within "
                    f"{AMBUSH_DEADLINE_S:g} s and {len(backlog.owners)} exports"
                )
            await backlog.grow(1)
        caught |= dict.fromkeys(held, each)
    return caught


async def _glimpse(
    system: System, each: Post, posts: Sequence[Post], database: Database, target: Target
) -> set[str]:
    """Let a worker run until it is at work; give what it holds, frozen again."""
    until = time.monotonic() + GLIMPSE_S
    await system.resume(each.worker)
    try:
        while not await _held(each, posts, database, target) and time.monotonic() < until:
            await asyncio.sleep(_POLL_S)
    finally:
        await system.pause(each.worker)
    await asyncio.sleep(IN_FLIGHT_S)
    return await _held(each, posts, database, target)


async def _held(each: Post, posts: Sequence[Post], database: Database, target: Target) -> set[str]:
    rows = await in_progress(database, target)
    refuse_strangers((row["claimed_by"] for row in rows), posts)
    return {row["id"] for row in rows if row["claimed_by"] == each.worker.name}
