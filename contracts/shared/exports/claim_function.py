"""Calling the claim function as workers do, from connections of the check's own."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import AsyncConnection

from harness.database import Database
from harness.errors import CheckFailed, Inconclusive
from harness.target import Target
from harness.target.models import Claim

WORKER_ROLE = "service_role"
"""For whom alone, says the contract, the claim function is."""

BLOCKED_WITHIN_S = 2.0
MAX_CALLS = 200


def declared_claim(target: Target) -> Claim:
    """The claim function and the table it works on.

    `Inconclusive` where workers claim in another way: only its effects can be judged then.
    """
    if target.claim is None or not target.claim.function:
        raise Inconclusive("the target file names no [claim] function: nothing can be called")
    return target.claim


@dataclass(frozen=True, kw_only=True)
class ClaimFunction:
    """The claim function of one database."""

    database: Database
    """Must be allowed to become `WORKER_ROLE`."""
    function: str
    cap: int
    """The most that one organization may have in progress."""

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[AsyncConnection[Any]]:
        """A connection in the role of workers."""
        async with self.database.connect() as connection:
            try:
                await connection.execute(f"SET ROLE {WORKER_ROLE}")
            except psycopg.errors.InvalidParameterValue as error:
                raise Inconclusive(f"the database has no role {WORKER_ROLE}: {error}") from error
            yield connection

    async def claim(self, connection: AsyncConnection[Any], worker: str, limit: int) -> int:
        """Claim up to `limit` exports and say how many were got."""
        call = f"{self.function}(p_worker => '{worker}', p_limit => {limit}, …)"
        try:
            cursor = await connection.execute(
                f"SELECT * FROM {self.function}("  # noqa: S608 - from the target file
                "p_worker => %s, p_limit => %s, p_max_per_org => %s)",
                [worker, limit, self.cap],
            )
            rows = await cursor.fetchall()
        except psycopg.Error as error:
            raise CheckFailed(
                expected=f"{call} to claim exports",
                got=f"SQLSTATE {error.sqlstate}: {error}".replace("\n", " "),
            ) from error
        # A function that returns one composite gives a row of NULLs for nothing.
        claimed = sum(any(value is not None for value in row.values()) for row in rows)
        if claimed > limit:
            raise CheckFailed(
                expected=f"at most {limit} exports from {call}", got=f"{claimed} exports"
            )
        return claimed

    async def claim_during_open_claim(self, limit: int) -> int:
        """Claim while another worker's claim is made and not yet committed; give the sum.

        The second claim is let run until it ends or waits for the first one's transaction.
        """
        async with self.worker() as first, self.worker() as second:
            await first.execute("BEGIN")
            claimed = await self.claim(first, "direct-1", limit)
            beside = asyncio.create_task(self.claim(second, "direct-2", limit))
            try:
                await self._until_done_or_blocked(beside, second)
                await first.execute("COMMIT")
                return claimed + await beside
            finally:
                beside.cancel()
                await asyncio.gather(beside, return_exceptions=True)

    async def claim_concurrently(self, workers: int, limit_of: Callable[[int], int]) -> int:
        """Let many workers claim at once until each comes back empty twice; give the sum."""

        async def claim_until_empty(number: int) -> int:
            got, empty = 0, 0
            async with self.worker() as connection:
                for _ in range(MAX_CALLS):
                    claimed = await self.claim(connection, f"direct-{number}", limit_of(number))
                    got, empty = got + claimed, empty + (claimed == 0)
                    if empty == 2:
                        return got
            raise CheckFailed(
                expected=f"{self.function} to come back empty once every cap is reached",
                got=f"{got} exports claimed by one worker in {MAX_CALLS} calls, and still more",
            )

        return sum(await asyncio.gather(*map(claim_until_empty, range(1, workers + 1))))

    async def _until_done_or_blocked(
        self, task: asyncio.Task[int], connection: AsyncConnection[Any]
    ) -> None:
        until = time.monotonic() + BLOCKED_WITHIN_S
        while not task.done() and time.monotonic() < until:
            row = await self.database.fetch_one(
                "SELECT cardinality(pg_blocking_pids(%s)) > 0 AS blocked",
                [connection.info.backend_pid],
            )
            if row["blocked"]:
                return
            await asyncio.sleep(0.005)
