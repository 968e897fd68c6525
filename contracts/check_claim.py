"""Claiming exports: each is somebody's, nobody's twice, and no organisation takes all workers."""

from collections import Counter
from collections.abc import Sequence

from contracts.direct_claims import Claims
from contracts.many_exports import (
    completions_of,
    expect_done_once,
    fact_of,
    request_exports,
    silenced,
    wait_for_all,
)
from contracts.own_exports import busy, observed_done_once
from harness.check import check
from harness.checkers import (
    exactly_once,
    expect_no_violations,
    most_in_progress,
    observe_exports,
    per_organisation_cap,
)
from harness.checkers.facts import IN_PROGRESS
from harness.client import Organisation, Organisations, together
from harness.database import Database
from harness.errors import Inconclusive
from harness.expect import expect, expect_equal
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.plugin.observations import Observations
from harness.system import Instance, System
from harness.target import Capability, Target


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
    observes=30,
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
        accepted = await request_exports(tenants, jobs_each=6)
        await start_workers(own, target, 2)
        exports = await wait_for_all(accepted, deadline_s=30)
        transitions = (await observed_done_once(own, target, tenants, accepted)).watched()
        expect_no_violations(per_organisation_cap(transitions, cap))
        if max(most_in_progress(transitions).values()) < cap:
            raise Inconclusive(f"workers never had {cap} exports of one organisation in progress")
        observe(len(exports), what="exports by workers")


async def start_workers(own: OwnSystem, target: Target, count: int) -> Sequence[Instance]:
    """Start workers that take their time over each export."""
    return await together(own.system.start("worker", busy(target)) for _ in range(count))


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
