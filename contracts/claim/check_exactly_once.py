"""Claiming exports over the whole way: each is somebody's, nobody's twice, and done once."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from contracts.claim.export_batches import (
    completions_of,
    expect_done_once,
    reclaimed_after_silence,
    request_exports,
    wait_for_all,
)
from contracts.shared.resources.conventions import time_of
from contracts.shared.resources.prometheus import total_of
from harness.check import check
from harness.checkers import (
    ExportFact,
    Transition,
    claims_are_visible,
    exactly_once,
    expect_no_violations,
    read_exports,
)
from harness.client import Client, Organizations, Record
from harness.database import Database
from harness.errors import Inconclusive
from harness.expect import expect, expect_equal
from harness.plugin.observations import Observations
from harness.system import System
from harness.target import Capability, Target

MUST_NOT_RISE = ("export_claim_fallback_total", "export_duplicate_completions_total")
"""Alerts fire on any of these."""

SAME_TIME = timedelta(seconds=1)
"""A transaction that began before another may write after it."""


@check(
    "claim.exactly-once",
    "Hundreds of exports, several workers: each done once",
    checklist="Verify concurrent claiming is duplicate-free",
    observes=200,
    needs={Capability.ORGANIZATIONS, Capability.LOAD},
)
async def check_exactly_once(
    organizations: Organizations, system: System, target: Target, observe: Observations
) -> None:
    tenants = await organizations.several(5)
    client = tenants[0].client
    quiet = await alerts(client)
    accepted = await request_exports(tenants, jobs_each=20)
    exports = await wait_for_all(accepted, deadline_s=40)
    completions = await completions_of(tenants)
    transitions = None
    if system.readonly_url is not None and target.claim and target.ledger:
        database = Database(system.readonly_url)
        try:
            observed = await read_exports(database, target, [tenant.id for tenant in tenants])
            transitions = observed.transitions
        finally:
            await database.close()
    harmed = reclaimed_after_silence(transitions, target)
    facts = [ExportFact.from_api(each, each["organization_id"]) for each in exports]
    expect_no_violations(claims_are_visible(transitions or ()))
    expect_done_once(exactly_once(accepted, facts, completions, transitions, harmed=harmed))
    for export in exports:
        expect_told(export)
    expect_equal(await alerts(client), quiet, "metrics that count what must not happen")
    owners = owners_of(exports, transitions)
    if len(system.workers) > 1 and len(owners) < 2:
        raise Inconclusive(
            f"{len(exports)} exports, and one worker did them all: {dict(owners)}; nobody competed"
        )
    observe(len(exports), what="exports")


def expect_told(export: Record) -> None:
    """Fail unless an export that is ready tells when it was worked on, in the order of time."""
    names = ("created_at", "started_at", "completed_at")
    told = [time_of(export, name) for name in names]
    expect(
        told[1] >= told[0] - SAME_TIME and told[2] >= told[1] - SAME_TIME,
        expected=f"{' ≤ '.join(names)} of export {export['id']}, which is ready",
        got=", ".join(export[name] for name in names),
    )


def owners_of(exports: Sequence[Record], transitions: Sequence[Transition] | None) -> Counter[str]:
    """How many exports each worker claimed, as far as anybody was told."""
    if transitions is None:
        return Counter(str(export["claimed_by"]) for export in exports)
    return Counter(str(step.new_claimed_by) for step in transitions if step.is_claim)


async def alerts(client: Client) -> dict[str, float]:
    """What the metrics that must not rise say now; a metric that is not there counts nothing."""
    if "metrics" not in client.routes:
        return {}
    text = (await client.call("metrics", instance=0)).text
    return {name: total_of(text, name) or 0 for name in MUST_NOT_RISE}
