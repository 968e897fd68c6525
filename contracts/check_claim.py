"""Claiming exports: each is somebody's, nobody's twice, and no organisation takes all workers."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence

from contracts.direct_claims import Claims
from contracts.held_table import held
from contracts.many_exports import (
    completions_of,
    expect_done_once,
    fact_of,
    request_exports,
    silenced,
    wait_for_all,
)
from contracts.prometheus import total_of
from harness.check import check
from harness.checkers import (
    Observed,
    exactly_once,
    expect_no_violations,
    most_in_progress,
    observe_exports,
    per_organisation_cap,
)
from harness.checkers.facts import IN_PROGRESS
from harness.client import Client, Organisation, Organisations, Route, Transport, together
from harness.database import Database
from harness.errors import Inconclusive
from harness.expect import expect, expect_equal
from harness.plugin.execution import Observations
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.system import Instance, System
from harness.target import Capability, Target

BUSY_S = 0.1
"""How long a slowed-down worker stays at one export, so that exports of one organisation meet."""


@check(
    "claim.exactly-once",
    "Hundreds of exports, several workers: each done once",
    checklist="Verify concurrent claiming is duplicate-free",
    observes=200,
)
async def check_exactly_once(
    organisations: Organisations, system: System, target: Target, observe: Observations
) -> None:
    tenants = await organisations.several(5)
    accepted = await request_exports(tenants, jobs_each=20)
    exports = await wait_for_all(accepted, deadline_s=40)
    completions = await completions_of(tenants)
    transitions = None
    if system.readonly_url is not None and target.claim and target.ledger:
        database = Database(system.readonly_url)
        try:
            observed = await observe_exports(database, target, [tenant.id for tenant in tenants])
            transitions = observed.transitions
        finally:
            await database.close()
    harmed = silenced(transitions, target)
    expect_done_once(
        exactly_once(accepted, map(fact_of, exports), completions, transitions, harmed=harmed)
    )
    owners = Counter(export["claimed_by"] for export in exports)
    if len(system.workers) > 1 and len(owners) < 2:
        raise Inconclusive(
            f"{len(exports)} exports, and one worker did them all: {dict(owners)}; nobody competed"
        )
    observe(len(exports), what="exports")


@check(
    "claim.per-org-cap",
    "No organisation has more in progress than its share, however many claim at once",
    checklist="Verify the per-organisation concurrency limit",
    observes=38,
    needs={Capability.SPAWN, Capability.DATABASE_CONTROL},
)
async def check_per_org_cap(
    fresh_system: FreshSystem, target: Target, observe: Observations
) -> None:
    if target.claim is None:
        raise Inconclusive("the target file names no [claim] function to call")
    cap = target.limits.per_org_in_progress
    async with fresh_system(api_instances=1, workers=0) as own:
        claims = Claims(database=own.control_database, function=target.claim.function, cap=cap)
        tenants = await own.organisations.several(2)
        for tenant in tenants:  # one after the other: the head of the queue is one organisation's
            await request_exports([tenant], jobs_each=cap + 1)
        claimed = await claims.claim_beside_an_open_claim(limit=cap - 1)
        await expect_share_kept(own, target, tenants, "two claims, one of them not yet committed")
        claimed += await claims.stampede(8, limit_of=lambda number: 1 + number % cap)
        await expect_share_kept(own, target, tenants, "eight workers claiming at once")
        await expect_share_used(own, target, tenants)
        observe(claimed, what="claimed by direct calls")

        tenants = await own.organisations.several(2)
        accepted = await request_exports(tenants, jobs_each=8)
        await start_workers(own, target, 2)
        exports = await wait_for_all(accepted, deadline_s=30)
        transitions = (await observed_done_once(own, target, tenants, accepted)).watched()
        expect_no_violations(per_organisation_cap(transitions, cap))
        if max(most_in_progress(transitions).values()) < cap:
            raise Inconclusive(f"workers never had {cap} exports of one organisation in progress")
        observe(len(exports), what="exports by workers")


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


def busy(target: Target) -> dict[str, str]:
    """The environment of a worker that takes its time; empty where it cannot be made to."""
    if target.failpoints is None:
        return {}
    return target.failpoints.environment({"while_working": f"sleep:{BUSY_S:g}"})


async def start_workers(own: OwnSystem, target: Target, count: int) -> Sequence[Instance]:
    """Start workers that take their time over each export."""
    return await together(own.system.start("worker", busy(target)) for _ in range(count))


async def observed_done_once(
    own: OwnSystem, target: Target, tenants: Sequence[Organisation], accepted: Iterable[str]
) -> Observed:
    """Fail unless each accepted export was done exactly once; give what was seen of them."""
    observed = await observe_exports(own.database, target, [tenant.id for tenant in tenants])
    transitions = observed.watched()
    harmed = silenced(transitions, target)
    expect_done_once(
        exactly_once(accepted, observed.exports, observed.completions, transitions, harmed=harmed)
    )
    return observed


async def expect_share_kept(
    own: OwnSystem, target: Target, tenants: Sequence[Organisation], when: str
) -> None:
    """Fail unless no organisation is over its cap and no export was claimed twice."""
    cap = target.limits.per_org_in_progress
    for organisation_id, taken in (await in_progress(own, target, tenants)).items():
        expect(
            taken <= cap,
            expected=f"at most {cap} exports of an organisation in progress after {when}",
            came=f"{taken} of organisation {organisation_id}",
        )
    observed = await observe_exports(own.database, target, [tenant.id for tenant in tenants])
    expect_done_once(
        exactly_once([], observed.exports, observed.completions, observed.transitions),
        detail=f"after {when}",
    )


async def expect_share_used(
    own: OwnSystem, target: Target, tenants: Sequence[Organisation]
) -> None:
    """Fail unless each organisation, with exports left to claim, has just as many as it may."""
    for organisation_id, taken in (await in_progress(own, target, tenants)).items():
        expect_equal(
            taken,
            target.limits.per_org_in_progress,
            f"the exports in progress of organisation {organisation_id}, which has more queued, "
            "once claims come back empty",
        )


async def in_progress(
    own: OwnSystem, target: Target, tenants: Sequence[Organisation]
) -> dict[str, int]:
    """How many exports of each organisation are in progress."""
    ids = [tenant.id for tenant in tenants]
    observed = await observe_exports(own.database, target, ids)
    taken = Counter(
        export.organization_id for export in observed.exports if export.state == IN_PROGRESS
    )
    return {organisation_id: taken[organisation_id] for organisation_id in ids}


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
    counted = total_of((await client.call("metrics")).body.decode(), name) or 0
    if not counted and own.system.workers:
        path = "/metrics"
        route = Route(operation_id="metrics of a worker", method="GET", template=path)
        async with Transport([worker.base_url for worker in own.system.workers]) as transport:
            for instance in range(len(own.system.workers)):
                answer = await transport.send(
                    route, path, instance=instance, deadline_s=5, headers={}
                )
                counted += total_of(answer.body.decode(), name) or 0
    expect(
        counted > 0,
        expected=f"{name} to count claims without the claim function",
        came=f"{counted:g} in the metrics of API and workers",
    )
