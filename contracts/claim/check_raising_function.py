"""A claim function that raises: no instance is ready, and no worker claims without it."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from contracts.claim.done_once import expect_each_done_once
from contracts.claim.export_batches import request_exports, wait_for_all
from contracts.claim.export_rows import expect_unchanged, read_export_rows
from contracts.claim.readiness import expect_readiness, read_fallback_total
from contracts.shared.exports.claim_function import declared_claim
from harness.check import check
from harness.client import Client, Organization
from harness.errors import Inconclusive
from harness.expect import expect_equal, expect_status
from harness.findings.preconditions import as_subject
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.plugin.observations import Observations
from harness.system.function_outage import BreakableFunction, find_function
from harness.target import Capability, Target
from harness.target.sql.export_table import ExportTable
from harness.vocabulary.exports import QUEUED

PROBES = 10
INSTANCES = 2
CALLED_WITHIN_S = 5.0

ALWAYS = "PERFORM 1 / 0;"
ONCE_QUEUED = """
    IF EXISTS (SELECT FROM {table} AS e WHERE {queued}) THEN
        RAISE EXCEPTION 'column reference "id" is ambiguous' USING ERRCODE = '42702';
    END IF;"""
REASONS: Mapping[str, str] = {
    "as soon as an export is queued": ONCE_QUEUED,
    "insufficient_privilege": "RAISE insufficient_privilege;",
    "query_canceled": "RAISE query_canceled;",
    "an error of its own": "RAISE EXCEPTION 'this should not happen';",
    "as it calls a function that is missing": "PERFORM shakedown_calls.missing();",
}
"""The bodies that raise while exports are queued, by what a message says after "raises"."""

CALLS_MISSING_FUNCTION = "as it calls a function that is missing"
"""This raises the SQLSTATE of a missing claim function (42883), so workers may fall back: what
they do then is not judged."""


@check(
    "claim.raising-function",
    "A claim function that raises is an outage",
    checklist="Verify readiness when exports cannot be claimed",
    observes=2 + len(REASONS),
    needs={Capability.SPAWN, Capability.PAUSE, Capability.DATABASE_CONTROL},
)
async def check_raising_function(
    fresh_system: FreshSystem, target: Target, observe: Observations, cells: Cells
) -> None:
    """Makes the claim function raise in several ways, with and without exports queued.

    Each time every API instance becomes not ready, and workers claim nothing by other means; once
    it works again all are ready and each export is done once. Asking for readiness changes no
    export and writes no ledger event.
    Contract: "A function that *raises* is an outage (not ready), never a silent fallback".
    """
    claim, table = declared_claim(target), ExportTable.of(target)
    assert table is not None, "a claim function has a table"
    async with fresh_system(api_instances=INSTANCES, workers=1) as own:
        tenants = await own.organizations.several(2)
        client = tenants[0].client
        function = await find_function(own.control_database, claim.function)
        ready = partial(cells.of, operation="ready")
        async with ready(case="the system has started"):
            await expect_readiness(client, 200, "the system has started")
        await function.replace_body(ALWAYS)
        async with ready(case="the claim function raises, nothing is queued"):
            await expect_readiness(client, 503, "the claim function raises, with nothing queued")
            observe(what="an outage with nothing queued")
        await function.restore()
        async with ready(case="the claim function works again, nothing is queued"):
            await expect_readiness(client, 200, "the claim function works again")

        before = await read_fallback_total(own, client) if client.has("metrics") else None
        await own.system.pause(own.system.workers[0])
        accepted = await request_exports(tenants, jobs_each=2)
        async with ready(case="asking changes nothing"):
            await expect_probes_change_nothing(own, client, table)
            observe(what="probes")
        outages = Outages(own=own, function=function, table=table, cells=cells)
        tried = await outages.look(tenants, accepted, observe)
        async with cells.of(what="nothing is claimed while the claim function raises"):
            await expect_nothing_claimed(own, table)
        await function.restore()
        async with ready(case="the claim function works again"):
            await expect_readiness(client, 200, "the claim function works again")
        await resume_or_restart(own)
        async with cells.of(what="each export is done once", case="after the outages"):
            with as_subject():
                await wait_for_all(accepted, deadline_s=20)
            await expect_each_done_once(own, target, tenants, accepted)
        async with cells.of(operation="metrics"):
            expect_equal(
                await read_fallback_total(own, client),
                before,
                "number of claims without the claim function, which never was missing",
            )
        if not tried:
            raise Inconclusive("no worker called the claim function while it raised")


@dataclass(frozen=True, kw_only=True)
class Outages:
    """A claim function that raises in several ways, one after the other, while exports wait."""

    own: OwnSystem
    function: BreakableFunction
    table: ExportTable
    cells: Cells

    async def look(
        self,
        tenants: Sequence[Organization],
        accepted: dict[str, Organization],
        observe: Observations,
    ) -> int:
        """Look whether each makes all instances not ready; give the calls that workers made."""
        system, tried = self.own.system, 0
        for reason, body in REASONS.items():
            await self.function.replace_body(
                body.replace("{table}", self.table.name).replace(
                    "{queued}", self.table.is_in(QUEUED, "e")
                )
            )
            since = f"the claim function raises {reason}"
            async with self.cells.of(operation="ready", case=since):
                await expect_readiness(tenants[0].client, 503, since)
                observe(what="outages with exports queued")
            if reason != CALLS_MISSING_FUNCTION:
                await system.resume(system.workers[0])
                tried += await wait_for_calls(self.function, tenants[1], accepted)
                await system.pause(system.workers[0])
        return tried


async def expect_probes_change_nothing(own: OwnSystem, client: Client, table: ExportTable) -> None:
    """Fail when asking for readiness changes an export or the ledger."""
    async with own.control_database.connect() as connection:
        before, events = await read_export_rows(connection, table), await client.ledger_events()
        for probe in range(PROBES * client.instances):
            answer = await client.call("ready", instance=probe % client.instances)
            expect_status(answer, 200, detail="the claim function works, and exports are queued")
        after = await read_export_rows(connection, table)
        expect_unchanged(before, after, "the ready path")
        expect_equal(await client.ledger_events(), events, "ledger events after the ready path")


async def wait_for_calls(
    function: BreakableFunction, tenant: Organization, accepted: dict[str, Organization]
) -> int:
    """Wait until a worker has called the function twice; return the number of calls.

    At the second call, what it did instead of the first claim is over. Requesting exports wakes
    it; where the backend refuses them because it is not ready, the worker's polling calls it.
    """
    called, calls = await function.calls(), 0
    until = time.monotonic() + CALLED_WITHIN_S
    for wanted in (1, 2):
        job = await tenant.client.call("createJob", json={"title": f"call {wanted}"})
        if job.status == 201:
            export = await tenant.client.request_export(job.data["id"])
            if export.status == 202:
                accepted[export.data["id"]] = tenant
        while (calls := await function.calls() - called) < wanted:
            if time.monotonic() > until:
                return calls
            await asyncio.sleep(0.02)
    return calls


async def expect_nothing_claimed(own: OwnSystem, table: ExportTable) -> None:
    """Fail unless every export is still queued and was never claimed."""
    async with own.control_database.connect() as connection:
        exports = await read_export_rows(connection, table)
    for export in exports.values():
        expect_equal(
            (export.state, export.attempt or 0),
            (QUEUED, 0),
            "state and attempt of an export while the claim function raises",
            detail=f"export {export.id}, claimed by {export.claimed_by}",
        )


async def resume_or_restart(own: OwnSystem) -> None:
    """Resume the worker, or start it again where it exited because of the outage."""
    [worker] = own.system.workers
    if own.system.is_alive(worker):
        await own.system.resume(worker)
    else:
        await own.system.restart(worker)
