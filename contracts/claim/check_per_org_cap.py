"""The cap on exports in progress of one organization, however many workers claim at once."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from contracts.claim.changed_queue import (
    BATCH,
    claim_beside_silent_ones,
    empty_queue,
    insert_backlog,
)
from contracts.claim.claim_transaction import ClaimTransaction, IssuedTokens, claim_transaction
from contracts.claim.done_once import expect_done_once, expect_facts_done_once
from contracts.claim.export_batches import jobs_each, request_exports, wait_in_a_cell
from contracts.claim.slow_workers import slow_worker_environment
from contracts.shared.exports.claim_function import ClaimFunction, declared_claim
from harness.check import check
from harness.checkers import (
    ExportFact,
    claims_are_visible,
    exactly_once,
    expect_no_violations,
    most_in_progress,
    per_organization_cap,
    read_exports,
)
from harness.client import Organization, Sample, Samples, together
from harness.errors import Inconclusive
from harness.evidence import Evidence, query_evidence, transitions_evidence
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target
from harness.vocabulary.exports import EXPORT_TYPES, PREPARING

OVER_CAP = "export.cap"
"""The rule that no organization exceeds its cap."""

EVIDENCE_BYTES = 4 * 1024 * 1024
"""Size of each export's evidence, where nothing else makes workers slow."""


@check(
    "claim.per-org-cap",
    "No organization exceeds its cap in progress",
    checklist="Verify the per-organisation concurrency limit",
    observes=30,
    needs={Capability.SPAWN, Capability.DATABASE_CONTROL},
)
async def check_per_org_cap(
    fresh_system: FreshSystem,
    target: Target,
    samples: Samples,
    observe: Observations,
    cells: Cells,
) -> None:
    """Claims by direct calls and by workers, one by one and all at once, with a long backlog.

    An organization never has more exports in progress than its cap, and reaches the cap while it
    has exports queued. When one ends there is room for exactly one more. An export whose worker
    is silent counts until it is taken back.
    Contract: "at most 3 in progress per organisation (exact under concurrency; one that is silent
    counts until it is taken back)".
    """
    if target.claim is not None and not target.claim.function:
        async with fresh_system(api_instances=1, workers=0) as own:
            evidence = samples.of_size(min(EVIDENCE_BYTES, target.limits.max_upload_bytes))
            await look_at_workers(
                own, target, observe, cells, exports=32, workers=6, evidence=evidence
            )
        return
    declared_claim(target)
    async with fresh_system(api_instances=1, workers=0) as own:
        claims = ClaimFunction.of(own.control_database, target)
        cap = claims.cap
        tenants = await own.organizations.several(2)
        for tenant in tenants:  # one after the other: the oldest exports are all of one tenant
            await request_exports([tenant], jobs_each=cap + 1)
        for asked in (1, 2, cap, cap + 2) if claims.takes("per_org") else (cap,):
            async with (
                cells.of(case="direct claims, one after the other", p_max_per_org=asked),
                claim_transaction(claims, IssuedTokens()) as one,
            ):
                await expect_cap_as_asked(one, asked)
        await insert_backlog(own, claims.table, tenants[0])
        await look_at_direct_claims(own, target, tenants, claims, observe, cells)
        await empty_queue(own, claims.table)
        await look_at_workers(own, target, observe, cells, exports=24, workers=2)


async def look_at_direct_claims(
    own: OwnSystem,
    target: Target,
    tenants: Sequence[Organization],
    claims: ClaimFunction,
    observe: Observations,
    cells: Cells,
) -> None:
    """Look at the cap after claims that are kept; each step goes on from the one before."""
    cap, claimed = claims.cap, 0
    limits = (1, cap - 1, cap, BATCH)
    kept = partial(expect_in_progress, own, target, tenants)

    async def uncommitted() -> int:
        claimed = await claims.claim_during_open_claim(limit=cap - 1)
        await kept("two claims, the first uncommitted")
        return claimed

    async def concurrent() -> int:
        claimed = await claims.claim_concurrently(
            8, limit_of=lambda number: limits[number % len(limits)]
        )
        await kept("claims by 8 workers at once", full=True)
        return claimed

    async def one_canceled() -> int:
        await expect_room_for_one(own, target, claims, tenants[1])
        return 0

    async def silent() -> int:
        claimed = await claim_beside_silent_ones(own, claims)
        await kept("claims beside exports silent for an hour")
        return claimed

    steps: dict[str, Callable[[], Awaitable[int]]] = {
        "a claim beside one that is not committed": uncommitted,
        "claims by many workers at once": concurrent,
        "one in progress is canceled": one_canceled,
        "claims beside exports that are silent": silent,
    }
    for done, (case, step) in enumerate(steps.items()):
        clean = done
        async with cells.of(case=case):
            claimed += await step()
            clean += 1
        if clean == done:
            return  # what is over the cap stays so
    observe(claimed, what="claimed by direct calls")


async def look_at_workers(
    own: OwnSystem,
    target: Target,
    observe: Observations,
    cells: Cells,
    *,
    exports: int,
    workers: int,
    evidence: Sample | None = None,
) -> None:
    """Look whether workers that all start at a full queue keep the cap, and do each export once.

    `Inconclusive` when they never reached the cap, unless the system never works on so many.
    """
    cap = target.limits.per_org_in_progress
    tenants = await own.organizations.several(2)
    types = () if evidence is None else ("proof-pack",)
    each = len(types) or len(EXPORT_TYPES)
    jobs = jobs_each(target.pace, exports, len(tenants), observe, types=each)
    accepted = await request_exports(tenants, jobs_each=jobs, export_types=types, evidence=evidence)
    environment = slow_worker_environment(target)
    await together(own.system.start("worker", environment) for _ in range(workers))
    done = await wait_in_a_cell(cells, accepted, deadline_s=30, case="claims by workers")
    observed = await read_exports(own.database, target, [tenant.id for tenant in tenants])
    transitions = observed.watched()
    async with cells.of(case="claims by workers", what="each export is done once"):
        expect_no_violations(claims_are_visible(transitions), transitions=transitions)
        expect_facts_done_once(observed, target, [str(export["id"]) for export in done])
    async with cells.of(case="claims by workers", what="the cap is kept"):
        expect_no_violations(per_organization_cap(transitions, cap), transitions=transitions)
        can_reach = target.pace.reaches(cap, of=jobs * each)
        if can_reach and max(most_in_progress(transitions).values()) < cap:
            raise Inconclusive(f"workers never had {cap} exports of one organization in progress")
        observe(len(done), what="exports by workers")


async def expect_cap_as_asked(one: ClaimTransaction, cap: int) -> None:
    """Fail unless claims keep and reach the `p_max_per_org` that they are called with.

    The first claim has `p_limit` 1, the others one that is larger than any cap.
    """
    taken: Counter[str] = Counter()
    steps: list[str] = []
    for limit in (1, BATCH, BATCH, BATCH, *[BATCH] * 2 * cap):
        claimed = await one.claim("capped", limit=limit, per_org=cap)
        taken.update(row.organization_id for row in claimed)
        steps += [f"p_limit => {limit} claims {row.id} of {row.organization_id}" for row in claimed]
    organizations = {row.organization_id for row in (await one.read_rows()).values()}
    over = any(number > cap for number in taken.values())
    expect_equal(
        taken,
        Counter(dict.fromkeys(organizations, cap)),
        f"number of exports in progress by organization, {'over' if over else 'below'} the cap, "
        "with more exports queued",
        detail=f"p_max_per_org => {cap}, p_limit => {BATCH}",
        rule=OVER_CAP if over else "",
        evidence=(transitions_evidence("claims in order", steps),),
    )


async def expect_in_progress(
    own: OwnSystem,
    target: Target,
    tenants: Sequence[Organization],
    after: str,
    *,
    full: bool = False,
) -> None:
    """Fail when an organization exceeds its cap or, if `full`, is below it; or on a double claim.

    Every organization has more exports queued.
    """
    cap = target.limits.per_org_in_progress
    wanted = range(cap if full else 0, cap + 1)
    observed = await read_exports(own.database, target, [tenant.id for tenant in tenants])
    taken = Counter(row.organization_id for row in observed.exports if row.state == PREPARING)
    claims_table = target.claim.table if target.claim else "exports"
    for tenant in tenants:
        expect(
            taken[tenant.id] in wanted,
            expected=f"{'' if full else 'at most '}{cap} exports in progress of an organization "
            "that has more queued",
            got=f"{taken[tenant.id]} exports in progress",
            detail=f"after {after}, of organization {tenant.id}",
            rule=OVER_CAP if taken[tenant.id] > cap else "",
            evidence=(_in_progress(observed.exports, tenant.id, claims_table),),
        )
    expect_done_once(
        exactly_once([], observed.exports, observed.completions, observed.transitions),
        detail=f"after {after}",
        transitions=observed.transitions,
    )


def _in_progress(exports: Sequence[ExportFact], organization_id: str, table: str) -> Evidence:
    rows = (
        {"id": each.id, "state": each.state, "attempt": each.attempt}
        for each in exports
        if each.organization_id == organization_id and each.state == PREPARING
    )
    query = f"SELECT id, state, attempt FROM {table} WHERE organization_id = '{organization_id}'"  # noqa: S608
    return query_evidence("exports of the organization in progress", query, rows)


async def expect_room_for_one(
    own: OwnSystem, target: Target, claims: ClaimFunction, tenant: Organization
) -> None:
    """Fail unless an export that is canceled makes room for exactly one more of its tenant."""
    observed = await read_exports(own.database, target, [tenant.id])
    canceled = next(export.id for export in observed.exports if export.state == PREPARING)
    answer = await tenant.client.call("cancelExport", path={"export_id": canceled})
    expect_status(answer, 202, rule="golden.export-download")
    if (await tenant.client.get_export(canceled))["state"] != "canceled":
        return  # here a worker completes a cancellation, and no worker runs yet
    async with claims.worker() as connection:
        more = await claims.claim(connection, "direct-room", BATCH)
        more += await claims.claim(connection, "direct-room", BATCH)
    expect_equal(more, 1, "number of exports claimed after one in progress was canceled")
