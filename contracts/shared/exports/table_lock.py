"""Holding back every write to a table for a moment, so that all who are about to write meet."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psycopg

from harness.database import Database

SETTLE_S = 0.05
"""How long the number of those who wait must not have grown."""

LONELY_S = 0.7
"""The same while fewer wait than wanted: a busy machine is slow to bring the next one."""


@dataclass(frozen=True, kw_only=True)
class LockedTable:
    """A table that can be read and not written."""

    database: Database

    async def waiting(self) -> int:
        """How many connections wait: for their write, or for one that waits for its own."""
        row = await self.database.fetch_one(
            "SELECT count(*) AS waiting FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(row["waiting"])

    async def wait_for_waiters(
        self, wanted: int, *, deadline_s: float, over: Callable[[], bool] = lambda: False
    ) -> int:
        """Wait until at least `wanted` connections wait and no more come; give their number.

        It may be fewer: where no more come for a good while, where it is `over` because everybody
        is done, and at the deadline.
        """
        until = time.monotonic() + deadline_s
        most, grew_at = 0, time.monotonic()
        while time.monotonic() < until:
            waiting = await self.waiting()
            if waiting > most:
                most, grew_at = waiting, time.monotonic()
            patience_s = SETTLE_S if most >= wanted else LONELY_S
            if over() or (most and time.monotonic() - grew_at > patience_s):
                break
            await asyncio.sleep(0.01)
        return most


@asynccontextmanager
async def lock_table(
    database: Database, table: str, *, within_s: float = 1.0
) -> AsyncIterator[LockedTable | None]:
    """Let nobody write to the table inside the block; None when that lock was not to be had.

    Writers wait, they do not fail; reading, also `FOR UPDATE`, goes on.
    """
    async with database.connect() as connection:
        await connection.execute("BEGIN")
        await connection.execute(f"SET LOCAL lock_timeout = '{int(within_s * 1000)}ms'")
        try:
            await connection.execute(f"LOCK TABLE {table} IN SHARE MODE")
            locked: LockedTable | None = LockedTable(database=database)
        except psycopg.errors.LockNotAvailable:
            locked = None
        try:
            yield locked
        finally:
            await connection.execute("ROLLBACK")
