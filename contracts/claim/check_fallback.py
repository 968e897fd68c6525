"""The fallback claim, while the claim function is missing."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from contracts.claim.done_once import expect_each_done_once
from contracts.claim.export_batches import request_exports, wait_for_all
from contracts.claim.function_outage import find_function
from contracts.claim.readiness import FALLBACK_METRIC, expect_readiness, read_fallback_total
from contracts.claim.slow_workers import slow_worker_environment
from contracts.shared.exports.claim_function import declared_claim
from contracts.shared.exports.table_lock import lock_table, wait_for_waiters
from harness.check import check
from harness.checkers import (
    Transition,
    expect_no_violations,
    per_organization_cap,
    rank_correlation,
)
from harness.client import Client, Organization, together
from harness.expect import expect, expect_equal
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target

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
async def check_fallback(fresh_system: FreshSystem, target: Target, observe: Observations) -> None:
    """Renames the claim function, makes workers claim at the same moment, and renames it back.

    While the function is missing no instance is ready, and logs and metrics report the fallback.
    Workers still do each export exactly once, keep the cap, and do not claim the newest first.
    Afterwards they use the function again.
    Contract: "Where the function is missing (SQLSTATE 42883) …".
    """
    claim = declared_claim(target)
    cap = target.limits.per_org_in_progress
    environment = slow_worker_environment(target)
    async with fresh_system(api_instances=1, workers=2, worker_environment=environment) as own:
        function = await find_function(own.control_database, claim.function)
        tenants = await own.organizations.several(2)
        client = tenants[0].client
        counted = await read_fallback_total(own, client)
        expect_equal(counted, 0, f"{FALLBACK_METRIC} while the claim function is there")
        written = log_sizes(own)
        await function.rename_away()
        await expect_readiness(client, 503, f"{claim.function} is missing")

        accepted: dict[str, Organization] = {}
        for number in range(COLLISIONS):
            tenant = tenants[number % len(tenants)]
            accepted |= await make_claims_collide(own, tenant, claim.table)
        async with paused_workers(own):
            late = await request_exports(tenants, jobs_each=JOBS_EACH, at_once=4)
        accepted |= late
        await wait_for_all(late, deadline_s=30)
        transitions = (await expect_each_done_once(own, target, tenants, accepted)).watched()
        expect_no_violations(per_organization_cap(transitions, cap))
        expect_not_reversed(transitions, late)
        observe(len(accepted), what="exports")
        counted = await read_fallback_total(own, client)
        expect(
            counted > 0,
            expected=f"{FALLBACK_METRIC} above 0 after claims without {claim.function}",
            got=f"{counted:g} in the metrics of API and workers",
        )
        expect_logged(own, written, claim.function)

        await function.rename_back()
        await expect_readiness(client, 200, f"{claim.function} is there again")
        await expect_function_used(own, client, tenants)


async def expect_function_used(
    own: OwnSystem, client: Client, tenants: Sequence[Organization]
) -> None:
    """Fail unless workers use the claim function again once it is back."""
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
        expected=f"older exports claimed before newer ones, roughly, among {len(created)}",
        got=f"a correlation of {correlation:.2f} between creation and claim (-1: newest first)",
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
        expected=f"one of {', '.join(words)} in the logs of workers that claim without {function}",
        got=f"{len(text)} characters without any of them, at the end {text[-300:]!r}",
    )
