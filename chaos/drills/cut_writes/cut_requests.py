"""Requests that are cut in their middle: their instance is killed, or their client leaves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from chaos.drills.cut_writes.agreement import expect_agreement, outcome_of
from chaos.drills.cut_writes.writes import Upload, Write
from chaos.drills.lockable import locks_of
from chaos.drills.worker_drill import WorkerDrill
from harness.client import Answer
from harness.client.stalled_upload import StalledUpload, stalled_upload
from harness.target import Capability
from harness.waiting import becomes_true

BLOCKED_WITHIN_S = 2.0
"""How long requests may take until they wait for the locks."""

ENDS_WITHIN_S = 60.0
"""When to stop to wait for the answer to an upload that is killed anyway."""

SETTLES_WITHIN_S = 5.0
"""How long sessions may take to end what they waited with."""

WRITES_ONLY = "SHARE ROW EXCLUSIVE"
"""The mode of a lock that lets others read, and row locks, and keeps them from writing."""

_POLL_S = 0.02
_WAITING = """
SELECT count(*) AS n FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend'
  AND wait_event_type = 'Lock'
"""
_AT_WORK = """
SELECT count(*) AS n FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend'
  AND pid <> pg_backend_pid() AND (wait_event_type = 'Lock' OR xact_start IS NOT NULL)
"""


@dataclass(kw_only=True)
class CutRequest:
    """A write that is under way when it is cut, and how it ended for its client."""

    write: Write
    what: str
    """In which part of it, and how: `before its commit, its instance killed`."""
    sending: asyncio.Future[Answer | None]
    stalled: StalledUpload | None = None
    leaves: bool = False
    """Whether its client leaves; else it waits for an answer."""


@dataclass(kw_only=True)
class CutRequests:
    """Brings writes to two instances to points in their middle; then one instance is killed."""

    drill: WorkerDrill
    victim: int
    """The API instance that is killed, counted from 0."""
    other: int
    """The one whose clients leave."""
    cut: list[CutRequest] = field(default_factory=list)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def halfway(self, write: Upload, instance: int, *, leaves: bool) -> None:
        """Send the first half of an upload."""
        job = {"id": write.job_id}
        stalled = await self._stack.enter_async_context(
            stalled_upload(
                write.org.client, job, write.sample, key=write.own_key, instance=instance
            )
        )
        sending = asyncio.ensure_future(outcome_of(stalled.early_answer(ENDS_WITHIN_S)))
        what = "half of it was sent"
        self._add(write, what, sending, stalled=stalled, leaves=leaves)

    def before_commit(self, write: Write, instance: int, *, leaves: bool) -> None:
        """Send a write that meets a lock."""
        sending = asyncio.ensure_future(outcome_of(write.send(instance)))
        self._add(write, "it had all but committed", sending, leaves=leaves)

    def _add(
        self,
        write: Write,
        what: str,
        sending: asyncio.Future[Answer | None],
        *,
        leaves: bool,
        stalled: StalledUpload | None = None,
    ) -> None:
        how = "its client left" if leaves else "its instance was killed"
        self.cut.append(
            CutRequest(
                write=write,
                what=f"{how} when {what}",
                sending=sending,
                stalled=stalled,
                leaves=leaves,
            )
        )

    async def leave(self) -> None:
        """Let the clients leave that are to."""
        for each in self.cut:
            if not each.leaves:
                continue
            if each.stalled is not None:
                await each.stalled.disconnect()
            each.sending.cancel()
            await asyncio.wait({each.sending})

    async def judge(self) -> None:
        """Judge each, once nothing of them is under way any more."""
        for each in self.cut:
            outcome = None if each.leaves else await each.sending
            async with self.drill.cells.of(operation=each.write.operation_id, cut=each.what):
                await expect_agreement(each.write, outcome, each.what)
                self.drill.observe(what="writes that were cut")

    async def close(self) -> None:
        """End what is left of them."""
        for each in self.cut:
            each.sending.cancel()
        await self._stack.aclose()


@asynccontextmanager
async def writes_locked(drill: WorkerDrill) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Keep evidence and exports from being written, until what is given is called, or the end."""
    locks = await locks_of(drill, "evidence", "exports", mode=WRITES_ONLY)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(drill.injected(*locks))
        yield stack.aclose


async def wait_until_blocked(drill: WorkerDrill, count: int) -> int:
    """Wait until so many sessions wait for a lock; give how many do."""
    found = 0

    async def are_blocked() -> bool:
        nonlocal found
        found = int((await drill.own.control_database.fetch_one(_WAITING))["n"])
        return found >= count

    await becomes_true(are_blocked, BLOCKED_WITHIN_S, poll_s=_POLL_S)
    return found


async def wait_until_settled(drill: WorkerDrill) -> None:
    """Wait until no session is in the middle of a transaction: nobody writes any more."""
    if Capability.DATABASE_CONTROL not in drill.offered:
        return

    async def is_settled() -> bool:
        return not (await drill.own.control_database.fetch_one(_AT_WORK))["n"]

    await becomes_true(is_settled, SETTLES_WITHIN_S, poll_s=_POLL_S)
