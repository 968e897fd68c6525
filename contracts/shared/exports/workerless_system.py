"""A system without workers: a check claims and fails exports itself and sees each state at rest."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from contracts.shared.exports.claim_function import ClaimFunction
from contracts.shared.exports.hand_changes import claim_by_hand, fail_by_hand
from contracts.shared.exports.table_lock import lock_table, wait_for_waiters
from harness.client import Answer, Client, Organization
from harness.errors import Inconclusive
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.target import Capability, Target
from harness.target.sql.export_table import ExportTable

MANUAL_WORKER = "claimed-by-hand"
"""The worker name under which checks claim."""


@dataclass(frozen=True, kw_only=True)
class WorkerlessSystem:
    """A system on which exports change only by requests, or by this class."""

    own: OwnSystem
    exports: ExportTable
    claims: ClaimFunction | None
    """None where a check claims by hand."""

    @property
    def table(self) -> str:
        """The table of exports, quoted."""
        return self.exports.name

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
        await self.claim_oldest([export_id])
        state = (await client.get_export(export_id, instance=0))["state"]
        if state != "preparing":
            raise Inconclusive(
                f"the check called the claim function for export {export_id}: it should be "
                f"preparing now, and is {state}"
            )

    async def claim_oldest(self, export_ids: Sequence[str]) -> None:
        """Claim these exports, the oldest queued ones, and look at none of them."""
        if self.claims is None:
            for export_id in export_ids:
                await claim_by_hand(
                    self.own.control_database, self.exports, export_id, MANUAL_WORKER
                )
            return
        async with self.claims.worker() as connection:
            await self.claims.claim_several(connection, MANUAL_WORKER, len(export_ids))

    async def fail(self, export_id: str) -> None:
        """Set a claimed export to failed, as if its worker had given up."""
        await fail_by_hand(self.own.control_database, self.exports, export_id)


def can_run_without_workers(target: Target) -> bool:
    """Whether a target can be started without workers, and its queue be changed by a check.

    That needs a claim function, or a claim that is nothing but a change of known columns.
    """
    needed, claim = {Capability.SPAWN, Capability.DATABASE_CONTROL}, target.claim
    if claim is None or not (claim.function or claim.by_hand):
        return False
    return needed <= target.capabilities()


@asynccontextmanager
async def workerless_system(
    fresh_system: FreshSystem, target: Target, *, api_instances: int
) -> AsyncIterator[WorkerlessSystem]:
    """Start API instances and a database, and no workers.

    `Inconclusive` where a check cannot claim in the place of a worker.
    """
    exports = ExportTable.of(target)
    if exports is None or not (exports.claim.function or exports.claim.by_hand):
        raise Inconclusive(
            "the check claims exports itself, and the target file says neither by which function "
            "([claim] function) nor that a claim only changes the columns it names ([claim] "
            "by_hand = true)"
        )
    async with fresh_system(api_instances=api_instances, workers=0) as own:
        database = own.control_database
        claims = ClaimFunction.of(database, target) if exports.claim.function else None
        yield WorkerlessSystem(own=own, exports=exports, claims=claims)
