"""The fallback claim, while the claim function is missing."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from contracts.claim.done_once import expect_facts_done_once
from contracts.claim.export_batches import jobs_each, request_exports, wait_for_all
from contracts.claim.readiness import FALLBACK_METRIC, expect_readiness, read_fallback_total
from contracts.claim.slow_workers import slow_worker_environment
from contracts.shared.exports.claim_function import declared_claim
from contracts.shared.exports.table_lock import lock_table, wait_for_waiters
from harness.check import check
from harness.checkers import (
    Transition,
    claims_are_visible,
    expect_no_violations,
    per_organization_cap,
    rank_correlation,
    read_exports,
)
from harness.client import Client, Organization, together
from harness.evidence import Evidence
from harness.expect import expect, expect_equal
from harness.findings.preconditions import as_subject
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.plugin.observations import Observations
from harness.system.function_outage import find_function
from harness.target import Capability, Target
from harness.target.sql.export_table import ExportTable

MISSING = "without the claim function"
COLLISIONS = 3
"""How often all workers are made to write their claim at the same time."""

JOBS_EACH = 7
REVERSED = -0.6
"""A correlation between the order of claims and of creation that means "newest first". Workers
may start at different places of the queue to avoid each other: the order need not be exact."""


@check(
    "claim.fallback",
    "Without the claim function, claims stay exact",
    checklist="Verify the optimistic claim fallback",
    observes=4 * COLLISIONS + 4 * JOBS_EACH,
    needs={Capability.SPAWN, Capability.PAUSE, Capability.DATABASE_CONTROL},
)
async def check_fallback(
    fresh_system: FreshSystem, target: Target, observe: Observations, cells: Cells
) -> None:
    """Renames the claim function, makes workers claim at the same moment, and renames it back.

    While the function is missing no instance is ready, and logs and metrics report the fallback.
    Workers still do each export exactly once, keep the cap, and do not claim the newest first.
    Afterwards they use the function again.
    Contract: "Where the function is missing (SQLSTATE 42883) …".
    """
    claim = declared_claim(target)
    environment = slow_worker_environment(target)
    async with fresh_system(api_instances=1, workers=2, worker_environment=environment) as own:
        function = await find_function(own.control_database, claim.function)
        tenants = await own.organizations.several(2)
        client = tenants[0].client
        async with cells.of(operation="metrics", case="the claim function is there"):
            counted = await read_fallback_total(own, client)
            expect_equal(counted, 0, f"{FALLBACK_METRIC} while the claim function is there")
        written = log_sizes(own)
        await function.rename_away()
        async with cells.of(operation="ready", case="the claim function is missing"):
            await expect_readiness(client, 503, "the claim function is missing")

        if not await look_at_claims(own, target, tenants, observe, cells):
            return  # workers that claim nothing report no fallback either
        async with cells.of(operation="metrics", case=MISSING):
            counted = await read_fallback_total(own, client)
            expect(
                counted > 0,
                expected=f"{FALLBACK_METRIC} above 0 after claims without the claim function",
                got=f"{counted:g} in the metrics of API and workers",
            )
        async with cells.of(what="logs", case=MISSING):
            expect_logged(own, written, claim.function)

        await function.rename_back()
        async with cells.of(operation="ready", case="the claim function is there again"):
            await expect_readiness(client, 200, "the claim function is there again")
        async with cells.of(operation="metrics", case="the claim function is there again"):
            await expect_function_used(own, client, tenants)


async def look_at_claims(
    own: OwnSystem,
    target: Target,
    tenants: Sequence[Organization],
    observe: Observations,
    cells: Cells,
) -> bool:
    """Look at claims without the claim function; say whether workers did all exports.

    That they do is what is looked at: with a claim function exports become ready.
    """
    table = ExportTable.of(target)
    assert table is not None, "a claim function has a table"
    accepted: dict[str, Organization] = {}
    late: dict[str, Organization] = {}
    async with cells.of(
        what="exports become ready", case="claims at the same moment, without the claim function"
    ):
        pace = target.pace
        collisions = pace.amount(4 * COLLISIONS, fewest=4) // 4
        if collisions < COLLISIONS:
            made = 4 * collisions
            observe.excuse(4 * COLLISIONS - made, pace.reason(made, 4 * COLLISIONS))
        for number in range(collisions):
            tenant = tenants[number % len(tenants)]
            with as_subject():
                accepted |= await make_claims_collide(own, tenant, table.name)
    if not accepted:
        return False
    async with cells.of(
        what="exports become ready", case="a long queue, without the claim function"
    ):
        async with paused_workers(own):
            jobs = jobs_each(target.pace, 4 * JOBS_EACH, len(tenants), observe)
            late |= await request_exports(tenants, jobs_each=jobs, at_once=4)
        with as_subject():
            await wait_for_all(late, deadline_s=30)
        observe(len(accepted | late), what="exports")
    observed = await read_exports(own.database, target, [tenant.id for tenant in tenants])
    transitions = observed.watched()
    async with cells.of(what="claims are committed before the work", case=MISSING):
        expect_no_violations(claims_are_visible(transitions), transitions=transitions)
    async with cells.of(what="each export is done once", case=MISSING):
        expect_facts_done_once(observed, target, accepted | late)
    async with cells.of(what="the cap is kept", case=MISSING):
        cap = target.limits.per_org_in_progress
        expect_no_violations(per_organization_cap(transitions, cap), transitions=transitions)
    async with cells.of(what="older exports first, roughly", case=MISSING):
        expect_not_reversed(transitions, late)
    return True


async def expect_function_used(
    own: OwnSystem, client: Client, tenants: Sequence[Organization]
) -> None:
    """Fail unless workers use the claim function again once it is back."""
    with as_subject():
        await wait_for_all(await request_exports(tenants, jobs_each=1), deadline_s=20)
        counted = await read_fallback_total(own, client)
        await wait_for_all(await request_exports(tenants, jobs_each=2), deadline_s=20)
    expect_equal(
        await read_fallback_total(own, client),
        counted,
        f"{FALLBACK_METRIC}, unchanged by claims after the claim function is back",
    )


@asynccontextmanager
async def paused_workers(own: OwnSystem) -> AsyncIterator[None]:
    """Pause every worker inside the block."""
    await together(own.system.pause(worker) for worker in own.system.workers)
    try:
        yield
    finally:
        await together(own.system.resume(worker) for worker in own.system.workers)


async def make_claims_collide(
    own: OwnSystem, tenant: Organization, table: str
) -> dict[str, Organization]:
    """Request exports, and let all workers write their claims at the same moment.

    Without the claim function a worker reads the queue first and writes its claim then. A lock
    on the table holds the writes back until several workers wait.
    """
    async with paused_workers(own):
        accepted = await request_exports([tenant], jobs_each=2)
        async with lock_table(own.control_database, table) as locked:
            await together(own.system.resume(worker) for worker in own.system.workers)
            if locked:
                workers = len(own.system.workers)
                await wait_for_waiters(own.control_database, workers, deadline_s=1.5)
    await wait_for_all(accepted, deadline_s=20)
    return accepted


def expect_not_reversed(transitions: Sequence[Transition], among: dict[str, Organization]) -> None:
    """Fail when the newest exports were claimed first."""
    created = {
        step.export_id: step.at
        for step in transitions
        if step.old_state is None and step.export_id in among
    }
    claimed = [step.export_id for step in transitions if step.is_claim]
    correlation = rank_correlation(claimed, created)
    expect(
        correlation > REVERSED,
        expected="older exports claimed before newer ones, roughly",
        got=f"a correlation of {correlation:.2f} between creation and claim of {len(created)} "
        "exports (-1: newest first)",
        rule="export.oldest-first",
    )


def log_sizes(own: OwnSystem) -> dict[str, int]:
    """The size of each worker's log so far, in bytes."""
    return {worker.name: worker.log_path.stat().st_size for worker in own.system.workers}


def expect_logged(own: OwnSystem, since: dict[str, int], function: str) -> None:
    """Fail unless a worker logged that the function is missing or that it falls back."""
    text = ""
    for worker in own.system.workers:
        with worker.log_path.open("rb") as log:
            log.seek(since[worker.name])
            text += log.read().decode("utf-8", "replace").lower()
    words = (function.rpartition(".")[2].lower(), "fallback", "fall back", "42883")
    expect(
        any(word in text for word in words),
        expected="a word about the missing claim function or the fallback in the workers' logs",
        got=f"{len(text)} characters with none of {', '.join(words)}",
        evidence=(Evidence(kind="log", title="end of the workers' logs", text=text[-2000:]),),
    )
