"""A lock that holds back every write to a table, so that concurrent writers meet there."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import psycopg

from harness.database import Database

STABLE_S = 0.05
"""How long the number of waiting connections must not have grown."""

TOO_FEW_STABLE_S = 0.7
"""The same while fewer wait than wanted: a busy machine is slow to bring the next one."""


async def wait_for_waiters(
    database: Database,
    wanted: int,
    *,
    deadline_s: float,
    is_over: Callable[[], bool] = lambda: False,
) -> int:
    """Wait until at least `wanted` connections wait for a lock and no more arrive; give the number.

    It may be fewer: when no more arrive for a longer time, when `is_over`, and at the deadline.
    """
    until = time.monotonic() + deadline_s
    most, grew_at = 0, time.monotonic()
    while time.monotonic() < until:
        row = await database.fetch_one(
            "SELECT count(*) AS waiting FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        if row["waiting"] > most:
            most, grew_at = int(row["waiting"]), time.monotonic()
        stable_s = STABLE_S if most >= wanted else TOO_FEW_STABLE_S
        if is_over() or (most and time.monotonic() - grew_at > stable_s):
            break
        await asyncio.sleep(0.01)
    return most


@asynccontextmanager
async def lock_table(
    database: Database, table: str, *, within_s: float = 1.0
) -> AsyncIterator[bool]:
    """Let no client write to the table inside the block; False when the lock was not granted.

    Writers wait, they do not fail; reads, also `FOR UPDATE`, go on.
    """
    async with database.connect() as connection:
        await connection.execute("BEGIN")
        await connection.execute(f"SET LOCAL lock_timeout = '{int(within_s * 1000)}ms'")
        try:
            await connection.execute(f"LOCK TABLE {table} IN SHARE MODE")
            locked = True
        except psycopg.errors.LockNotAvailable:
            locked = False
        try:
            yield locked
        finally:
            await connection.execute("ROLLBACK")
