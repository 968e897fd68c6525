"""The claim function is missing: loud about it, and as exact without it."""

import asyncio
import time

from contracts.held_table import held
from contracts.many_exports import request_exports, wait_for_all
from contracts.own_exports import busy, observed_done_once
from contracts.prometheus import total_of
from harness.check import check
from harness.checkers import expect_no_violations, per_organisation_cap
from harness.client import Client, Organisation, Route, Transport
from harness.database import Database
from harness.errors import Inconclusive
from harness.expect import expect
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target


@check(
    "claim.fallback",
    "Without the claim function the backend says so, and still claims each export once",
    checklist="Verify the optimistic claim fallback",
    observes=30,
    needs={
        Capability.SPAWN,
        Capability.PAUSE,
        Capability.DATABASE_CONTROL,
    },
)
async def check_fallback(fresh_system: FreshSystem, target: Target, observe: Observations) -> None:
    if target.claim is None:
        raise Inconclusive("the target file names no [claim] function to drop")
    cap = target.limits.per_org_in_progress
    async with fresh_system(api_instances=1, workers=2, worker_environment=busy(target)) as own:
        await drop_function(own.control_database, target.claim.function)
        tenants = await own.organisations.several(2)
        await expect_not_ready(tenants[0].client, target.claim.function)
        accepted: dict[str, Organisation] = {}
        for tenant in (*tenants, tenants[0]):
            accepted |= await meet_at_the_head(own, tenant, target.claim.table)
        accepted |= await request_exports(tenants, jobs_each=6)
        exports = await wait_for_all(accepted, deadline_s=30)
        transitions = (await observed_done_once(own, target, tenants, accepted)).watched()
        expect_no_violations(per_organisation_cap(transitions, cap))
        observe(len(exports), what="exports")
        await expect_fallback_counted(own, tenants[0].client)


async def drop_function(database: Database, function: str) -> None:
    """Drop every overload of a function. `Inconclusive` when there is none to drop."""
    overloads = await database.fetch(
        "SELECT oid::regprocedure::text AS signature FROM pg_proc WHERE proname = %s",
        [function.rpartition(".")[2]],
    )
    if not overloads:
        raise Inconclusive(f"there is no function {function} in the database to drop")
    for overload in overloads:
        await database.fetch(f"DROP FUNCTION {overload['signature']} CASCADE")


async def expect_not_ready(client: Client, function: str, *, within_s: float = 5) -> None:
    """Fail unless readiness turns 503 once the claim function is missing."""
    until = time.monotonic() + within_s
    while (answer := await client.call("ready")).status != 503:
        expect(
            time.monotonic() < until,
            expected=f"503 from the ready path within {within_s:g} s of {function} being dropped",
            came=answer.describe(),
        )
        await asyncio.sleep(0.05)


async def meet_at_the_head(
    own: OwnSystem, tenant: Organisation, table: str
) -> dict[str, Organisation]:
    """Request two exports and let every worker be about to claim when the first one may.

    Without the claim function a worker looks first and writes then. Holding the write back until
    several wait for it is what an unlucky moment does, made sure of.
    """
    for worker in own.system.workers:
        await own.system.pause(worker)
    try:
        accepted = await request_exports([tenant], jobs_each=1)
        async with held(own.control_database, table) as exports:
            for worker in own.system.workers:
                await own.system.resume(worker)
            if exports is not None:
                await exports.until_several_wait(len(own.system.workers), deadline_s=1.5)
    finally:
        for worker in own.system.workers:
            await own.system.resume(worker)
    await wait_for_all(accepted, deadline_s=20)
    return accepted


async def expect_fallback_counted(own: OwnSystem, client: Client) -> None:
    """Fail unless the fallback shows in the metrics of the API or of a worker."""
    name = "export_claim_fallback_total"
    counted = total_of((await client.call("metrics")).text, name) or 0
    if not counted and own.system.workers:
        path = "/metrics"
        route = Route(operation_id="metrics of a worker", method="GET", template=path)
        async with Transport([worker.base_url for worker in own.system.workers]) as transport:
            for instance in range(len(own.system.workers)):
                answer = await transport.send(
                    route, path, instance=instance, deadline_s=5, headers={}
                )
                counted += total_of(answer.text, name) or 0
    expect(
        counted > 0,
        expected=f"{name} to count claims without the claim function",
        came=f"{counted:g} in the metrics of API and workers",
    )
