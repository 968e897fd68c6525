"""Catching workers with exports in their hands, where no failpoint can be told to hold them."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import cycle
from pathlib import Path

from chaos.aftermath import in_progress
from chaos.backlog import Backlog
from chaos.posts import Post, refuse_strangers
from harness.client import Samples
from harness.database import Database
from harness.errors import Inconclusive
from harness.plugin.fixtures import OwnSystem
from harness.target import Capability, Target

EVIDENCE_BYTES = 4 * 1024 * 1024
"""Of the evidence of each proof pack: a worker is at it for long enough to be caught."""

AMBUSH_DEADLINE_S = 20.0
"""How long it may take until each of them has been caught."""

GLIMPSES_S = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.3)
"""How long a worker runs before it is frozen again, if it is not seen at work sooner: first so
short that a quick one does not get through all its work, then long enough for one that looks for
work now and then. Over and over."""

IN_FLIGHT_S = 0.05
"""How long what a frozen worker had already sent may take to be done by the database."""

FIRST_ORGANISATIONS = 4
_POLL_S = 0.002


def backlog_for(own: OwnSystem, target: Target, samples: Samples) -> Backlog:
    """Exports that take their time where no failpoint can hold their workers."""
    evidence_bytes = EVIDENCE_BYTES if target.failpoints is None else None
    return Backlog(own.organisations, samples, evidence_bytes=evidence_bytes)


async def caught_at_work(
    own: OwnSystem,
    posts: Sequence[Post],
    backlog: Backlog,
    target: Target,
    *,
    together: bool,
) -> Mapping[str, Post]:
    """Freeze each worker while it has exports in progress; give the post by export.

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
    until = time.monotonic() + AMBUSH_DEADLINE_S
    for each in posts:
        await own.system.pause(each.worker)
    await backlog.grow(FIRST_ORGANISATIONS)
    caught: dict[str, Post] = {}
    idle = list(posts)
    while idle:
        for each in idle:
            caught |= dict.fromkeys(await _caught(own, each, posts, backlog, target, until), each)
        idle = [
            each
            for each in posts
            if together and not await _held(each, posts, own.database, target)
        ]
    return caught


async def _caught(
    own: OwnSystem,
    each: Post,
    posts: Sequence[Post],
    backlog: Backlog,
    target: Target,
    until: float,
) -> set[str]:
    """Freeze one worker while it has exports in progress, and give them."""
    glimpses = cycle(GLIMPSES_S)
    while not (held := await _glimpse(own, each, posts, target, next(glimpses), until)):
        if time.monotonic() > until:
            raise Inconclusive(
                f"{each.worker.name} was never seen with an export in progress, and outside of a "
                f"transaction, within {AMBUSH_DEADLINE_S:g} s and {len(backlog.owners)} exports"
            )
        await backlog.grow(1)
    return held


async def _glimpse(
    own: OwnSystem, each: Post, posts: Sequence[Post], target: Target, seconds: float, until: float
) -> set[str]:
    """Let a worker run until it is at work; give what it holds, frozen again.

    Nothing, but frozen all the same, where there is nothing to be held or the time is over.
    """
    end = time.monotonic() + seconds
    while True:
        await own.system.resume(each.worker)
        try:
            while not await _held(each, posts, own.database, target) and time.monotonic() < end:
                await asyncio.sleep(_POLL_S)
        finally:
            await own.system.pause(each.worker)
        await asyncio.sleep(IN_FLIGHT_S)
        held = await _held(each, posts, own.database, target)
        if all(attempt == 1 for attempt in held.values()) and not await _is_in_transaction(
            own.control_database
        ):
            return set(held)
        if time.monotonic() > until:
            return set()
        # It has locks in its hands, or what another had who is frozen: after its last attempt that
        # would rightly fail. It goes on for a moment, however late it is.


async def _is_in_transaction(database: Database) -> bool:
    return bool((await database.fetch_one(_open_transactions()))["is_open"])


@cache
def _open_transactions() -> str:
    return Path(__file__).with_name("open_transactions.sql").read_text(encoding="utf-8")


async def _held(
    each: Post, posts: Sequence[Post], database: Database, target: Target
) -> dict[str, int]:
    """Give what a worker has in progress, and at which attempt."""
    rows = await in_progress(database, target)
    refuse_strangers((row["claimed_by"] for row in rows), posts)
    return {row["id"]: row["attempt"] for row in rows if row["claimed_by"] == each.worker.name}
