"""Exports on a system without workers, moved by hand: each state can be looked at in peace."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psycopg

from contracts.shared.exports.claim_function import ClaimFunction, declared_claim
from contracts.shared.exports.table_lock import lock_table
from harness.client import Answer, Client, Organization
from harness.errors import Inconclusive
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.target import Capability, Target

MANUAL_WORKER = "claimed-by-hand"
"""The name of the worker that is none."""


@dataclass(frozen=True, kw_only=True)
class WorkerlessSystem:
    """A system on which nothing happens to exports but by a request, or by this."""

    own: OwnSystem
    claims: ClaimFunction
    table: str

    async def new_organization(self) -> Organization:
        """Make a tenant."""
        return await self.own.organizations.new("still")

    async def run_with_writes_held(self, table: str, race: Awaitable[list[Answer]]) -> list[Answer]:
        """Run a race whose writers to `table` are let in together, once several stand there.

        Who looks first and writes then has looked by that time: what an unlucky moment does to
        it, made sure of. A backend with another table of that name, or none, just races.
        """
        racing = asyncio.ensure_future(race)
        try:
            if await self._has(table):
                async with lock_table(self.own.control_database, table) as lock:
                    if lock is not None:
                        await lock.wait_for_waiters(2, deadline_s=2, over=racing.done)
            return await racing
        finally:
            racing.cancel()

    async def _has(self, table: str) -> bool:
        row = await self.own.database.fetch_one(
            "SELECT to_regclass(%s) IS NOT NULL AS known", [table]
        )
        return bool(row["known"])

    async def claim(self, client: Client, export_id: str) -> None:
        """Claim the export as a worker does. It must be the oldest one that is queued."""
        async with self.claims.worker() as connection:
            await self.claims.claim(connection, MANUAL_WORKER, 1)
        state = (await client.get_export(export_id, instance=0))["state"]
        if state != "preparing":
            raise Inconclusive(f"export {export_id} was to be claimed by hand, and is {state}")

    async def fail(self, export_id: str) -> None:
        """Make a claimed export a failed one, as if its worker had given it up."""
        statement = f"UPDATE {self.table} SET state = 'failed' WHERE id::text = %s"  # noqa: S608
        try:
            await self.own.control_database.fetch(statement, [export_id])
        except psycopg.Error as error:
            raise Inconclusive(
                f"no export can be made to fail by hand: {error}".replace("\n", " ")
            ) from error


def can_run_without_workers(target: Target) -> bool:
    """Whether a target can be brought up without workers and its queue be changed by hand.

    That takes a claim function, and a table with the contract's own columns and states.
    """
    wanted, claim = {Capability.SPAWN, Capability.DATABASE_CONTROL}, target.claim
    if claim is None or not claim.function or claim.columns or claim.states:
        return False
    return wanted <= target.capabilities()


@asynccontextmanager
async def workerless_system(
    fresh_system: FreshSystem, target: Target, *, api_instances: int
) -> AsyncIterator[WorkerlessSystem]:
    """Bring up API instances and a database, and nobody who works on exports."""
    claim = declared_claim(target)
    async with fresh_system(api_instances=api_instances, workers=0) as own:
        claims = ClaimFunction(
            database=own.control_database,
            function=claim.function,
            cap=target.limits.per_org_in_progress,
        )
        yield WorkerlessSystem(own=own, claims=claims, table=claim.table)
