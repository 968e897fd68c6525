"""The claim function raises: that is an outage, which is told to everybody and worked around by
nobody.
"""

import asyncio
import time
from collections.abc import Mapping

from contracts.claim.claim_function import ClaimFunction, find_claim_function
from contracts.claim.claim_transaction import expect_unchanged, read_exports
from contracts.claim.done_once import expect_each_done_once
from contracts.claim.export_batches import request_exports, wait_for_all
from contracts.claim.readiness import expect_readiness, read_fallback_total
from contracts.shared.exports.claim_function import declared_claim
from harness.check import check
from harness.client import Client, Organization
from harness.errors import Inconclusive
from harness.expect import expect_equal, expect_status
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target

PROBES = 10
INSTANCES = 2
TRIED_WITHIN_S = 5.0

ALWAYS = "PERFORM 1 / 0;"
ONCE_QUEUED = """
    IF EXISTS (SELECT FROM {table} WHERE state = 'queued') THEN
        RAISE EXCEPTION 'column reference "id" is ambiguous' USING ERRCODE = '42702';
    END IF;"""
REASONS: Mapping[str, str] = {
    "as soon as an export is queued": ONCE_QUEUED,
    "for want of a privilege": "RAISE insufficient_privilege;",
    "because its statement was cancelled": "RAISE query_canceled;",
    "by an error of its own": "RAISE EXCEPTION 'this should not happen';",
    "as a function that it calls is missing": "PERFORM shakedown_calls.missing();",
}
"""Why the function raises while exports are queued."""

MISSING_WITHIN = "as a function that it calls is missing"
"""Its SQLSTATE is that of a missing claim function: what workers do then is not judged, not even
by a backend that can tell the two apart."""


@check(
    "claim.raising-function",
    "A claim function that raises is an outage: no instance is ready, no worker claims by itself",
    checklist="Verify readiness when exports cannot be claimed",
    observes=2 + len(REASONS),
    needs={Capability.SPAWN, Capability.PAUSE, Capability.DATABASE_CONTROL},
)
async def check_raising_function(
    fresh_system: FreshSystem, target: Target, observe: Observations
) -> None:
    claim = declared_claim(target)
    table = claim.table
    async with fresh_system(api_instances=INSTANCES, workers=1) as own:
        tenants = await own.organizations.several(2)
        client = tenants[0].client
        function = await find_claim_function(own.control_database, claim.function)
        await expect_readiness(client, 200, "the start")
        await function.replace_body(ALWAYS)
        await expect_readiness(client, 503, "the claim function raises, with nothing queued")
        await function.restore()
        await expect_readiness(client, 200, "the claim function is whole again")
        observe(what="an outage with nothing queued")

        before = await read_fallback_total(own, client)
        await own.system.pause(own.system.workers[0])
        accepted = await request_exports(tenants, jobs_each=2)
        await expect_probes_harmless(own, client, table)
        observe(what="probes")
        tried = 0
        for reason, body in REASONS.items():
            await function.replace_body(body.replace("{table}", table))
            await expect_readiness(client, 503, f"the claim function raises {reason}")
            if reason != MISSING_WITHIN:
                await own.system.resume(own.system.workers[0])
                tried += await until_tried(function, tenants[1], accepted)
                await own.system.pause(own.system.workers[0])
            observe(what="outages with exports queued")
        await expect_nothing_claimed(own, table)
        await function.restore()
        await expect_readiness(client, 200, "the claim function is whole again")
        await revive(own)
        await wait_for_all(accepted, deadline_s=20)
        await expect_each_done_once(own, target, tenants, accepted)
        expect_equal(
            await read_fallback_total(own, client),
            before,
            "the claims without the claim function, which was there all the time",
        )
        if not tried:
            raise Inconclusive("no worker called the claim function while it raised")


async def expect_probes_harmless(own: OwnSystem, client: Client, table: str) -> None:
    """Fail unless asking whether it is ready leaves everything as it is, the ledger included."""
    async with own.control_database.connect() as connection:
        before, events = await read_exports(connection, table), await client.ledger_events()
        for probe in range(PROBES * client.instances):
            answer = await client.call("ready", instance=probe % client.instances)
            expect_status(answer, 200, detail="the claim function is whole, and exports are queued")
        after = await read_exports(connection, table)
        expect_unchanged(before, after, set(), "the ready path to leave every export alone")
        expect_equal(await client.ledger_events(), events, "the ledger after the ready path")


async def until_tried(
    function: ClaimFunction, tenant: Organization, accepted: dict[str, Organization]
) -> int:
    """Wait until a worker has called the function twice; give how often it was called.

    By the second call whatever it did instead of the first is done. Requesting exports wakes it;
    where that is refused, as the backend is not ready, it comes by itself.
    """
    called, calls = await function.calls(), 0
    until = time.monotonic() + TRIED_WITHIN_S
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


async def expect_nothing_claimed(own: OwnSystem, table: str) -> None:
    """Fail unless every export is still queued and was never claimed."""
    async with own.control_database.connect() as connection:
        stood = await read_exports(connection, table)
    for export in stood.values():
        expect_equal(
            (export.state, export.attempt),
            ("queued", 0),
            f"state and attempt of export {export.id} as long as the claim function raises",
            detail=f"claimed by {export.claimed_by}",
        )


async def revive(own: OwnSystem) -> None:
    """Let the worker go on, or start it again where it ended because of the outage."""
    [worker] = own.system.workers
    if own.system.is_alive(worker):
        await own.system.resume(worker)
    else:
        await own.system.restart(worker)
