"""The claim function is missing: loud about it, and as exact without it."""

from collections.abc import Sequence

from contracts.claim.claim_function import find_claim_function
from contracts.claim.done_once import expect_each_done_once, slow_worker_environment
from contracts.claim.export_batches import request_exports, wait_for_all
from contracts.claim.readiness import FALLBACK_METRIC, expect_readiness, read_fallback_total
from contracts.shared.exports.claim_function import declared_claim
from contracts.shared.exports.table_lock import lock_table
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

MEETINGS = 3
JOBS_EACH = 7
BACKWARDS = -0.6
"""Workers may start at different places of the queue, so as not to get in each other's way, and
the order is then not exact. With this correlation of turn and age it is the reverse order."""


@check(
    "claim.fallback",
    "Without the claim function the backend says so, and still claims each export once",
    checklist="Verify the optimistic claim fallback",
    observes=4 * MEETINGS + 4 * JOBS_EACH,
    needs={
        Capability.SPAWN,
        Capability.PAUSE,
        Capability.DATABASE_CONTROL,
    },
)
async def check_fallback(fresh_system: FreshSystem, target: Target, observe: Observations) -> None:
    claim = declared_claim(target)
    cap = target.limits.per_org_in_progress
    async with fresh_system(
        api_instances=1, workers=2, worker_environment=slow_worker_environment(target)
    ) as own:
        function = await find_claim_function(own.control_database, claim.function)
        tenants = await own.organizations.several(2)
        client = tenants[0].client
        counted = await read_fallback_total(own, client)
        expect_equal(counted, 0, f"{FALLBACK_METRIC} while nothing is missing")
        written = log_sizes(own)
        await function.hide()
        missing = f"{claim.function} is gone"
        await expect_readiness(client, 503, missing)

        accepted: dict[str, Organization] = {}
        for number in range(MEETINGS):
            tenant = tenants[number % len(tenants)]
            accepted |= await meet_at_the_head(own, tenant, claim.table)
        late = await queue_all_at_once(own, tenants)
        accepted |= late
        await wait_for_all(late, deadline_s=30)
        transitions = (await expect_each_done_once(own, target, tenants, accepted)).watched()
        expect_no_violations(per_organization_cap(transitions, cap))
        expect_not_backwards(transitions, late)
        observe(len(accepted), what="exports")
        counted = await read_fallback_total(own, client)
        expect(
            counted > 0,
            expected=f"{FALLBACK_METRIC} to count claims while {missing}",
            got=f"{counted:g} in the metrics of API and workers",
        )
        expect_logged(own, written, claim.function)

        await function.show()
        await expect_readiness(client, 200, f"{claim.function} is there again")
        await expect_function_used(own, client, tenants)


async def expect_function_used(
    own: OwnSystem, client: Client, tenants: Sequence[Organization]
) -> None:
    """Fail unless workers go back to the claim function once it is there again."""
    await wait_for_all(await request_exports(tenants, jobs_each=1), deadline_s=20)
    counted = await read_fallback_total(own, client)
    await wait_for_all(await request_exports(tenants, jobs_each=2), deadline_s=20)
    expect_equal(
        await read_fallback_total(own, client),
        counted,
        f"{FALLBACK_METRIC} after the claim function came back and more exports were claimed",
    )


async def meet_at_the_head(
    own: OwnSystem, tenant: Organization, table: str
) -> dict[str, Organization]:
    """Request exports and let every worker be about to claim when the first one may.

    Without the claim function a worker looks first and writes then. Holding the write back until
    several wait for it is what an unlucky moment does, made sure of.
    """
    await together(own.system.pause(worker) for worker in own.system.workers)
    try:
        accepted = await request_exports([tenant], jobs_each=2)
        async with lock_table(own.control_database, table) as exports:
            await together(own.system.resume(worker) for worker in own.system.workers)
            if exports is not None:
                await exports.wait_for_waiters(len(own.system.workers), deadline_s=1.5)
    finally:
        await together(own.system.resume(worker) for worker in own.system.workers)
    await wait_for_all(accepted, deadline_s=20)
    return accepted


async def queue_all_at_once(
    own: OwnSystem, tenants: Sequence[Organization]
) -> dict[str, Organization]:
    """Request many exports while no worker looks, so that all of them are there to choose from."""
    await together(own.system.pause(worker) for worker in own.system.workers)
    try:
        return await request_exports(tenants, jobs_each=JOBS_EACH, at_once=4)
    finally:
        await together(own.system.resume(worker) for worker in own.system.workers)


def expect_not_backwards(transitions: Sequence[Transition], among: dict[str, Organization]) -> None:
    """Fail when the youngest exports were claimed first."""
    created = {
        step.export_id: step.at
        for step in transitions
        if step.old_state is None and step.export_id in among
    }
    claimed = [step.export_id for step in transitions if step.is_claim]
    correlation = rank_correlation(claimed, created)
    expect(
        correlation > BACKWARDS,
        expected=f"the older of {len(created)} exports to be claimed before the younger ones, by "
        "and large",
        got=f"a correlation of {correlation:.2f} between age and turn, where -1 is backwards",
    )


def log_sizes(own: OwnSystem) -> dict[str, int]:
    """How much each worker has printed so far, in bytes."""
    return {worker.name: worker.log_path.stat().st_size for worker in own.system.workers}


def expect_logged(own: OwnSystem, since: dict[str, int], function: str) -> None:
    """Fail unless a worker said in its log that the function is missing, or that it falls back."""
    said = ""
    for worker in own.system.workers:
        with worker.log_path.open("rb") as log:
            log.seek(since[worker.name])
            said += log.read().decode("utf-8", "replace").lower()
    words = (function.rpartition(".")[2].lower(), "fallback", "fall back", "42883")
    expect(
        any(word in said for word in words),
        expected=f"workers to say in their logs that they claim without {function}",
        got=f"{len(said)} characters without a word of it: {said[-300:]!r}",
    )
