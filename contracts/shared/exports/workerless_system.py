"""A system without workers: a check claims and fails exports itself and sees each state at rest."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psycopg

from contracts.shared.exports.claim_function import ClaimFunction, declared_claim
from contracts.shared.exports.table_lock import lock_table, wait_for_waiters
from harness.client import Answer, Client, Organization
from harness.errors import Inconclusive
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.target import Capability, Target

MANUAL_WORKER = "claimed-by-hand"
"""The worker name under which checks claim."""


@dataclass(frozen=True, kw_only=True)
class WorkerlessSystem:
    """A system on which exports change only by requests, or by this class."""

    own: OwnSystem
    claims: ClaimFunction
    table: str

    async def new_organization(self) -> Organization:
        """Make a tenant."""
        return await self.own.organizations.new("workerless")

    async def run_with_writes_held(self, table: str, race: Awaitable[list[Answer]]) -> list[Answer]:
        """Run concurrent requests, and hold back their writes to `table` until several wait.

        Requests that look first and write later have all looked by then: the race is certain
        instead of rare. Where the backend has no such table the requests just run.
        """
        racing = asyncio.ensure_future(race)
        try:
            if await self._has(table):
                database = self.own.control_database
                async with lock_table(database, table) as locked:
                    if locked:
                        await wait_for_waiters(database, 2, deadline_s=2, is_over=racing.done)
            return await racing
        finally:
            racing.cancel()

    async def _has(self, table: str) -> bool:
        row = await self.own.database.fetch_one(
            "SELECT to_regclass(%s) IS NOT NULL AS known", [table]
        )
        return bool(row["known"])

    async def claim(self, client: Client, export_id: str) -> None:
        """Claim the export as a worker does. It must be the oldest queued one."""
        async with self.claims.worker() as connection:
            await self.claims.claim(connection, MANUAL_WORKER, 1)
        state = (await client.get_export(export_id, instance=0))["state"]
        if state != "preparing":
            raise Inconclusive(
                f"the check called the claim function for export {export_id}: it should be "
                f"preparing now, and is {state}"
            )

    async def fail(self, export_id: str) -> None:
        """Set a claimed export to failed, as if its worker had given up."""
        statement = f"UPDATE {self.table} SET state = 'failed' WHERE id::text = %s"  # noqa: S608
        try:
            await self.own.control_database.fetch(statement, [export_id])
        except psycopg.Error as error:
            reason = str(error).replace("\n", " ")
            raise Inconclusive(
                f"cannot set an export to failed in {self.table}: {reason}"
            ) from error


def can_run_without_workers(target: Target) -> bool:
    """Whether a target can be started without workers, and its queue be changed by a check.

    That needs a claim function, and a table with the contract's own columns and states.
    """
    needed, claim = {Capability.SPAWN, Capability.DATABASE_CONTROL}, target.claim
    if claim is None or not claim.function or claim.columns or claim.states:
        return False
    return needed <= target.capabilities()


@asynccontextmanager
async def workerless_system(
    fresh_system: FreshSystem, target: Target, *, api_instances: int
) -> AsyncIterator[WorkerlessSystem]:
    """Start API instances and a database, and no workers."""
    declared_claim(target)
    async with fresh_system(api_instances=api_instances, workers=0) as own:
        claims = ClaimFunction.of(own.control_database, target)
        yield WorkerlessSystem(own=own, claims=claims, table=claims.table)
