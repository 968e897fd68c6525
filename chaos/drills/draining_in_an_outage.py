"""Workers that get SIGTERM while the database is out of reach: for a while, or until they end."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from chaos.drills.draining import Draining
from chaos.faults.link import database_link
from chaos.faults.proof import FaultNotShown
from chaos.faults.take_down import take_down
from chaos.workers.parked_workers import ParkedWorker
from harness.system import Instance
from harness.waiting import becomes_true

LOCKED = "exports locked for a while"
PARTLY = "database gone for a while"
WHOLLY = "database gone until it has ended"
"""Three ways in which the database can be out of reach; the cells of the workers that meet them."""

PART = 0.65
"""For which part of the grace it is out of reach, for a while; the rest is enough to give back."""

HANGS_WITHIN_S = 2.0
"""How long it may take until a worker claims again: it looks for work within a second."""

SHORT_POLL_S = 0.2
"""The poll interval of the worker whose claim is to hang, where the target file fills it in."""

_POLL_S = 0.05
_WAITING = """
SELECT count(*) AS n FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ILIKE %s
"""


@dataclass(kw_only=True)
class DrainingInAnOutage:
    """Three workers that are stopped at once, each with another outage of the database."""

    draining: Draining

    @property
    def is_possible(self) -> bool:
        """Whether the database can be taken away from one worker alone."""
        system = self.draining.drill.own.system
        has_links = system.network is not None and system.database_url is not None
        return self.draining.can_lock and has_links

    async def drain(self) -> None:
        """Stop a worker in each outage; what is lost with the last one are the drill's orphans.

        A claim that hangs while the table is locked is no excuse.
        """
        async with self.draining.held_up():
            # First, so that it gets the oldest ones, which were given back most often.
            left = {WHOLLY: await self.draining.start()}
            left[PARTLY] = await self.draining.start()
            # Last, so that it has a free place when there is nothing left, and claims again.
            left[LOCKED] = await self.draining.start(poll_s=SHORT_POLL_S)
            while left:
                ready = await self.draining.until_held(list(left.values()))
                chosen = {when: each for when, each in left.items() if each in ready}
                await self._judge(chosen, await self._stop(chosen))
                left = {when: each for when, each in left.items() if when not in chosen}

    async def _stop(self, workers: Mapping[str, Instance]) -> Mapping[str, int | None]:
        drill = self.draining.drill
        async with AsyncExitStack() as lasting, AsyncExitStack() as passing:
            for when, until in ((PARTLY, passing), (WHOLLY, lasting)):
                if when in workers:
                    down = take_down(database_link(drill.own.system, workers[when]))
                    await until.enter_async_context(drill.injected(down))
            if LOCKED in workers:
                await passing.enter_async_context(self._exports_locked())
                await becomes_true(self._is_claiming, HANGS_WITHIN_S, poll_s=_POLL_S)
            stopping = {
                when: asyncio.ensure_future(self._stop_one(each, when))
                for when, each in workers.items()
            }
            await asyncio.wait(stopping.values(), timeout=self.draining.drill.grace_s * PART)
            await passing.aclose()
            return {when: await each for when, each in stopping.items()}

    async def _stop_one(self, worker: Instance, when: str) -> int | None:
        if when != WHOLLY:
            return await self.draining.stop(worker)
        # Not noted as a drain: what it holds is recovery's.
        return await self.draining.drill.own.system.stop(worker, self.draining.stopped_within_s)

    async def _judge(
        self, workers: Mapping[str, Instance], codes: Mapping[str, int | None]
    ) -> None:
        drill = self.draining.drill
        for when, worker in workers.items():
            async with drill.cells.of(when=when):
                if when == WHOLLY:
                    drill.victims = [ParkedWorker(worker=worker)]
                    await drill.find_orphans("SIGTERM, with its database gone,")
                    self.draining.expect_in_time(worker, codes[when])
                else:
                    await self.draining.expect_drained(worker, codes[when])

    @asynccontextmanager
    async def _exports_locked(self) -> AsyncIterator[None]:
        """Lock the table of exports; only against changes where a worker is reading it."""
        drill = self.draining.drill
        async with AsyncExitStack() as holding:
            for mode in ("ACCESS EXCLUSIVE", "EXCLUSIVE"):
                try:
                    lock = self.draining.locking("exports", mode)
                    await holding.enter_async_context(drill.injected(lock))
                    break
                except FaultNotShown:
                    if mode == "EXCLUSIVE":
                        raise
            yield

    async def _is_claiming(self) -> bool:
        """Whether a session waits for a lock in a claim: by its function, or any where none is."""
        drill = self.draining.drill
        name = drill.target.claim.function if drill.target.claim else ""
        row = await drill.own.control_database.fetch_one(_WAITING, [f"%{name}%"])
        return bool(row["n"])
