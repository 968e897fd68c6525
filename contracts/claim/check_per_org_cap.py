"""No organization takes all workers: the cap, exact however many claim at once."""

from collections import Counter
from collections.abc import Sequence

from contracts.claim.bulk_insert import copy_export
from contracts.claim.claim_transaction import ClaimTransaction, IssuedTokens, claim_transaction
from contracts.claim.done_once import expect_each_done_once, slow_worker_environment
from contracts.claim.export_batches import expect_done_once, request_exports, wait_for_all
from contracts.shared.exports.claim_function import ClaimFunction, declared_claim
from harness.check import check
from harness.checkers import (
    exactly_once,
    expect_no_violations,
    most_in_progress,
    per_organization_cap,
    read_exports,
)
from harness.client import Organization, Sample, Samples, together
from harness.errors import Inconclusive
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.plugin.observations import Observations
from harness.system import Instance
from harness.target import Capability, Target
from harness.vocabulary.exports import PREPARING

BATCH = 50
"""A `p_limit` larger than any cap here."""

EVIDENCE_BYTES = 4 * 1024 * 1024
"""Of each export's evidence, where nothing else makes workers take their time."""

BACKLOG = 400
"""Exports of one organization in front of everybody else's."""


@check(
    "claim.per-org-cap",
    "No organization has more in progress than its share, however many claim at once",
    checklist="Verify the per-organisation concurrency limit",
    observes=30,
    needs={Capability.SPAWN, Capability.DATABASE_CONTROL},
)
async def check_per_org_cap(
    fresh_system: FreshSystem, target: Target, samples: Samples, observe: Observations
) -> None:
    if target.claim is not None and not target.claim.function:
        async with fresh_system(api_instances=1, workers=0) as own:
            evidence = samples.of_size(EVIDENCE_BYTES)
            exports = await expect_cap_kept_by_workers(
                own, target, jobs_each=16, workers=6, evidence=evidence
            )
            observe(exports, what="exports by workers")
        return
    claim = declared_claim(target)
    cap, table = target.limits.per_org_in_progress, claim.table
    async with fresh_system(api_instances=1, workers=0) as own:
        claims = ClaimFunction(database=own.control_database, function=claim.function, cap=cap)
        tenants = await own.organizations.several(2)
        for tenant in tenants:  # one after the other: the head of the queue is one organization's
            await request_exports([tenant], jobs_each=cap + 1)
        for asked in (1, 2, cap, cap + 2):
            async with claim_transaction(claims, table, IssuedTokens()) as one:
                await expect_cap_as_asked(one, asked)
        await put_a_backlog_in_front(own, table, tenants[0])
        claimed = await claims.claim_during_open_claim(limit=cap - 1)
        await expect_share_kept(own, target, tenants, "two claims, one of them not yet committed")
        limits = (1, cap - 1, cap, BATCH)
        claimed += await claims.claim_concurrently(
            8, limit_of=lambda number: limits[number % len(limits)]
        )
        await expect_share_kept(own, target, tenants, "eight workers claiming at once")
        await expect_share_used(own, target, tenants)
        await expect_room_for_one(own, target, claims, tenants[1])
        observe(claimed, what="claimed by direct calls")
        await clear(own, table)

        exports = await expect_cap_kept_by_workers(own, target, jobs_each=6, workers=2)
        observe(exports, what="exports by workers")


async def expect_cap_kept_by_workers(
    own: OwnSystem,
    target: Target,
    *,
    jobs_each: int,
    workers: int,
    evidence: Sample | None = None,
) -> int:
    """Fail unless workers that all begin at a full queue keep to the cap; give how much they did.

    `Inconclusive` when they never got as far as the cap.
    """
    cap = target.limits.per_org_in_progress
    tenants = await own.organizations.several(2)
    types = ("proof-pack", "ledger") if evidence is None else ("proof-pack",)
    accepted = await request_exports(
        tenants, jobs_each=jobs_each, export_types=types, evidence=evidence
    )
    await start_workers(own, target, workers)
    exports = await wait_for_all(accepted, deadline_s=30)
    transitions = (await expect_each_done_once(own, target, tenants, accepted)).watched()
    expect_no_violations(per_organization_cap(transitions, cap))
    if max(most_in_progress(transitions).values()) < cap:
        raise Inconclusive(f"workers never had {cap} exports of one organization in progress")
    return len(exports)


async def expect_cap_as_asked(one: ClaimTransaction, cap: int) -> None:
    """Fail unless claims keep to, and make use of, the `p_max_per_org` that they are called with.

    One by one first, then with a `p_limit` that is larger than any cap.
    """
    taken: Counter[str] = Counter()
    for limit in (1, BATCH, BATCH, BATCH, *[BATCH] * 2 * cap):
        claimed = await one.claim(f"{{worker}}, {limit}, {cap}", worker="capped", limit=limit)
        taken.update(each.organization_id for each in claimed)
    organizations = {each.organization_id for each in (await one.read_exports()).values()}
    expect_equal(
        taken,
        Counter(dict.fromkeys(organizations, cap)),
        f"the exports in progress of each organization after claims with p_max_per_org => {cap}, "
        f"p_limit => {BATCH} and more queued",
    )


async def put_a_backlog_in_front(own: OwnSystem, table: str, tenant: Organization) -> None:
    """Queue hundreds of exports of one organization before those of all others."""
    [[job, *_], *_] = [await tenant.client.listed("listJobs")]
    [export, *_] = await tenant.client.listed("listExports", path={"job_id": job["id"]})
    await copy_export(
        own.control_database,
        table,
        export["id"],
        count=BACKLOG,
        organizations=[tenant.id],
        later_us=1,
    )


async def expect_room_for_one(
    own: OwnSystem, target: Target, claims: ClaimFunction, tenant: Organization
) -> None:
    """Fail unless an export that ends makes room for just one more of its organization."""
    observed = await read_exports(own.database, target, [tenant.id])
    ended = next(export.id for export in observed.exports if export.state == PREPARING)
    answer = await tenant.client.call("cancelExport", path={"export_id": ended})
    expect_status(answer, 202)
    if (await tenant.client.get_export(ended))["state"] != "canceled":
        return  # a cancellation that a worker has to notice: there is none here
    async with claims.worker() as connection:
        more = await claims.claim(connection, "direct-room", BATCH)
        more += await claims.claim(connection, "direct-room", BATCH)
    expect_equal(more, 1, "the exports to be claimed once one in progress was canceled")


async def clear(own: OwnSystem, table: str) -> None:
    """Take everything out of the queue, so that workers only find what comes from now on."""
    async with own.control_database.connect() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(f"UPDATE {table} SET state = 'canceled'")  # noqa: S608


async def start_workers(own: OwnSystem, target: Target, count: int) -> Sequence[Instance]:
    """Start workers that take their time over each export."""
    return await together(
        own.system.start("worker", slow_worker_environment(target)) for _ in range(count)
    )


async def expect_share_kept(
    own: OwnSystem, target: Target, tenants: Sequence[Organization], when: str
) -> None:
    """Fail unless no organization is over its cap and no export was claimed twice."""
    cap = target.limits.per_org_in_progress
    for organization_id, taken in (await in_progress(own, target, tenants)).items():
        expect(
            taken <= cap,
            expected=f"at most {cap} exports of an organization in progress after {when}",
            got=f"{taken} of organization {organization_id}",
        )
    observed = await read_exports(own.database, target, [tenant.id for tenant in tenants])
    expect_done_once(
        exactly_once([], observed.exports, observed.completions, observed.transitions),
        detail=f"after {when}",
    )


async def expect_share_used(
    own: OwnSystem, target: Target, tenants: Sequence[Organization]
) -> None:
    """Fail unless each organization, with exports left to claim, has just as many as it may."""
    for organization_id, taken in (await in_progress(own, target, tenants)).items():
        expect_equal(
            taken,
            target.limits.per_org_in_progress,
            f"the exports in progress of organization {organization_id}, which has more queued, "
            "once claims come back empty",
        )


async def in_progress(
    own: OwnSystem, target: Target, tenants: Sequence[Organization]
) -> dict[str, int]:
    """How many exports of each organization are in progress."""
    ids = [tenant.id for tenant in tenants]
    observed = await read_exports(own.database, target, ids)
    taken = Counter(
        export.organization_id for export in observed.exports if export.state == PREPARING
    )
    return {organization_id: taken[organization_id] for organization_id in ids}
