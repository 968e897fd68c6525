"""The backend's claim function, called as workers call it, on connections of the check."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

import psycopg
from psycopg import AsyncConnection, sql

from contracts.shared.exports.claim_result import claimed_rows
from harness.database import Database
from harness.errors import Absent, CheckFailed, Inconclusive
from harness.evidence import query_evidence
from harness.findings.preconditions import precondition
from harness.target import Target
from harness.target.sql.claim_call import claim_call
from harness.target.sql.export_table import ExportTable
from harness.target.tables.claim import Claim, ClaimArgument
from harness.waiting import becomes_true

CALLABLE = "claim.callable"
"""The rule that the claim function can be called as the contract says."""

WITHIN_LIMIT = "claim.within-limit"
"""The rule that a claim gives no more exports than it was asked for."""

BLOCKED_WITHIN_S = 2.0
MAX_CALLS = 200


def declared_claim(target: Target) -> Claim:
    """The claim function and its table.

    `Absent` where workers claim in another way: then only the effects can be judged.
    """
    if target.claim is None:
        raise Inconclusive(
            "the check calls the claim function, and the target file names none: [claim] function"
        )
    if not target.claim.function:
        raise Absent("a claim function", "[claim] function")
    return target.claim


@dataclass(frozen=True, kw_only=True)
class ClaimFunction:
    """The claim function of one database."""

    database: Database
    """Its user must be allowed to SET ROLE to the role of workers."""
    table: ExportTable
    cap: int
    """The largest number of exports that one organization may have in progress."""

    @classmethod
    def of(cls, database: Database, target: Target) -> Self:
        """The one that a target file declares; `Inconclusive` where it declares none."""
        declared_claim(target)
        table = ExportTable.of(target)
        assert table is not None, "a claim function has a table"
        return cls(database=database, table=table, cap=target.limits.per_org_in_progress)

    @property
    def declared(self) -> Claim:
        """What the target file says of it."""
        return self.table.claim

    def takes(self, argument: ClaimArgument) -> bool:
        """Whether the function has this argument."""
        return bool(getattr(self.declared.arguments, argument))

    def call(
        self, given: Mapping[ClaimArgument, int | str], *, by_position: bool = False
    ) -> sql.Composed:
        """Give a call of the function; what it does not take is left out."""
        values = {name: sql.Literal(value) for name, value in given.items()}
        return claim_call(self.declared, values, by_position=by_position)

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[AsyncConnection[Any]]:
        """A connection in the role of workers."""
        async with self.database.connect() as connection:
            await self.become_worker(connection)
            yield connection

    async def become_worker(
        self, connection: AsyncConnection[Any], *, in_transaction: bool = False
    ) -> None:
        """Take the role of workers, where they have one of their own."""
        role = self.declared.role
        if not role:
            return
        form = "SET LOCAL ROLE {}" if in_transaction else "SET ROLE {}"
        try:
            await connection.execute(sql.SQL(form).format(sql.Identifier(role)))
        except psycopg.errors.InvalidParameterValue as error:
            raise Inconclusive(
                f"the database has no role {role}: {error}; set [claim] role to "
                'the role of the workers ("" for the one they log in as)'
            ) from error

    async def claim(self, connection: AsyncConnection[Any], worker: str, limit: int) -> int:
        """Claim up to `limit` exports and give their number.

        Fail where the function cannot be called as the target file says, or raises. A function
        without a limit of ours claims as many as it does.
        """
        call = self.call({"worker": worker, "limit": limit, "per_org": self.cap})
        shown = call.as_string(connection)
        with precondition(CALLABLE):
            rows = await self._rows(connection, call, shown)
        claimed = sum(1 for _ in claimed_rows(rows, self.declared))
        statement = f"SELECT * FROM {shown}"  # noqa: S608 - to be read
        if claimed > limit and self.takes("limit"):
            raise CheckFailed(
                expected="no more exports from a claim than p_limit",
                got=f"{claimed} exports",
                detail=shown,
                rule=WITHIN_LIMIT,
                evidence=(query_evidence("the claim and its rows", statement, rows),),
            )
        return claimed

    async def _rows(
        self, connection: AsyncConnection[Any], call: sql.Composed, shown: str
    ) -> list[dict[str, Any]]:
        try:
            cursor = await connection.execute(sql.SQL("SELECT * FROM {}").format(call))
            return list(await cursor.fetchall())
        except psycopg.Error as error:
            raise CheckFailed(
                expected="the claim function to claim exports when it is called by its arguments",
                got=f"SQLSTATE {error.sqlstate}: {error}".replace("\n", " "),
                detail=shown,
                subject="claim function",
            ) from error

    async def claim_several(
        self, connection: AsyncConnection[Any], worker: str, wanted: int
    ) -> None:
        """Claim so many exports, in as many calls as it takes; `Inconclusive` where it is fewer."""
        claimed = 0
        while claimed < wanted:
            got = await self.claim(connection, worker, wanted - claimed)
            claimed += got
            if not got:
                raise Inconclusive(
                    f"the check called the claim function for {wanted} exports, and it claimed "
                    f"{claimed}"
                )

    async def claim_during_open_claim(self, limit: int) -> int:
        """Claim while another worker's claim is not yet committed; give the sum of both.

        The first commits once the second has ended or waits for the first one's transaction.
        """
        async with self.worker() as first, self.worker() as second:
            await first.execute("BEGIN")
            claimed = await self.claim(first, "direct-1", limit)
            beside = asyncio.create_task(self.claim(second, "direct-2", limit))
            try:
                await self._wait_until_done_or_blocked(beside, second)
                await first.execute("COMMIT")
                return claimed + await beside
            finally:
                beside.cancel()
                await asyncio.gather(beside, return_exceptions=True)

    async def claim_concurrently(self, workers: int, limit_of: Callable[[int], int]) -> int:
        """Let many workers claim at once until each gets nothing twice; give the sum."""

        async def claim_until_empty(number: int) -> int:
            got, empty = 0, 0
            async with self.worker() as connection:
                for _ in range(MAX_CALLS):
                    claimed = await self.claim(connection, f"direct-{number}", limit_of(number))
                    got, empty = got + claimed, empty + (claimed == 0)
                    if empty == 2:
                        return got
            raise CheckFailed(
                expected="the claim function to claim nothing once every cap is reached",
                rule="export.cap",
                got=f"{got} exports claimed by one worker in {MAX_CALLS} calls, and still more",
            )

        return sum(await asyncio.gather(*map(claim_until_empty, range(1, workers + 1))))

    async def _wait_until_done_or_blocked(
        self, task: asyncio.Task[int], connection: AsyncConnection[Any]
    ) -> None:
        async def done_or_blocked() -> bool:
            row = await self.database.fetch_one(
                "SELECT cardinality(pg_blocking_pids(%s)) > 0 AS blocked",
                [connection.info.backend_pid],
            )
            return task.done() or bool(row["blocked"])

        await becomes_true(done_or_blocked, BLOCKED_WITHIN_S)
