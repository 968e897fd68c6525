"""Hundreds of exports claimed by several workers: each has one owner and is done once."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from itertools import chain

from contracts.claim.done_once import expect_done_once, reclaimed_after_silence
from contracts.claim.export_batches import jobs_each, request_exports, wait_in_a_cell
from contracts.shared.resources.conventions import time_of
from contracts.shared.resources.prometheus import total_of
from harness.check import check
from harness.checkers import (
    CompletionFact,
    ExportFact,
    Transition,
    claims_are_visible,
    exactly_once,
    expect_no_violations,
    read_exports,
)
from harness.client import Client, Organizations, Record, together
from harness.database import Database
from harness.errors import Inconclusive
from harness.expect import expect, expect_equal
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations
from harness.system import System
from harness.target import Capability, Target

ALERTING = ("export_claim_fallback_total", "export_duplicate_completions_total")
"""Metrics of which any increase is an alert."""

EXPORTS = 200
TENANTS = 5

TOLERANCE = timedelta(seconds=1)
"""A transaction that began before another one may commit after it."""


@check(
    "claim.exactly-once",
    "Each of hundreds of exports is done once",
    checklist="Verify concurrent claiming is duplicate-free",
    observes=EXPORTS,
    needs={Capability.ORGANIZATIONS, Capability.LOAD},
)
async def check_exactly_once(
    organizations: Organizations,
    system: System,
    target: Target,
    observe: Observations,
    cells: Cells,
) -> None:
    """Requests 200 exports of five organizations, and waits until several workers have done them.
    Fewer, where the target's `[pace]` says that they would take too long.

    Each export is ready once: one `export.completed` event, one owner at a time, no attempt in
    vain, and no alerting metric rises.
    Contract: "exactly one `export.completed` per ready export"; the `export_*_total` metrics.
    """
    tenants = await organizations.several(TENANTS)
    client = tenants[0].client
    alerts = await read_alerting_metrics(client)
    accepted = await request_exports(
        tenants, jobs_each=jobs_each(target.pace, EXPORTS, TENANTS, observe)
    )
    exports = await wait_in_a_cell(cells, accepted, deadline_s=40)
    ready = {str(export["id"]) for export in exports}
    ledgers = await together(tenant.client.ledger_events() for tenant in tenants)
    completions = CompletionFact.from_events(chain.from_iterable(ledgers))
    if ready != accepted.keys():  # what still goes on may end between two of our questions
        completions = [each for each in completions if each.export_id in ready]
    transitions = None
    if system.readonly_url is not None and target.claim and target.ledger:
        async with Database(system.readonly_url) as database:
            observed = await read_exports(database, target, [tenant.id for tenant in tenants])
            transitions = observed.transitions
    harmed = reclaimed_after_silence(transitions, target)
    facts = [ExportFact.from_api(each, each["organization_id"]) for each in exports]
    async with cells.of(what="claims are committed before the work"):
        expect_no_violations(claims_are_visible(transitions or ()), transitions=transitions)
    async with cells.of(what="each export is done once"):
        found = exactly_once(ready, facts, completions, transitions, harmed=harmed)
        expect_done_once(found, transitions=transitions)
    async with cells.of(operation="getExport", what="times in order"):
        for export in exports:
            expect_times_in_order(export)
    async with cells.of(operation="metrics"):
        now = await read_alerting_metrics(client)
        expect_equal(now, alerts, "metrics of which any increase is an alert")
    owners = owners_of(exports, transitions)
    if exports and len(system.workers) > 1 and len(owners) < 2:
        raise Inconclusive(
            f"one worker did all {len(exports)} exports, so no two claims met: {dict(owners)}"
        )
    observe(len(exports), what="exports")


def expect_times_in_order(export: Record) -> None:
    """Fail unless a ready export was created, started and completed in this order."""
    names = ("created_at", "started_at", "completed_at")
    times = [time_of(export, name) for name in names]
    expect(
        times[1] >= times[0] - TOLERANCE and times[2] >= times[1] - TOLERANCE,
        expected=f"{' ≤ '.join(names)} of a ready export",
        got=", ".join(export[name] for name in names),
        detail=f"export {export['id']}",
    )


def owners_of(exports: Sequence[Record], transitions: Sequence[Transition] | None) -> Counter[str]:
    """Number of exports that each worker claimed, by transitions or by `claimed_by`."""
    if transitions is None:
        return Counter(str(export["claimed_by"]) for export in exports)
    return Counter(str(step.new_claimed_by) for step in transitions if step.is_claim)


async def read_alerting_metrics(client: Client) -> dict[str, float]:
    """The values of `ALERTING`; a metric that is not there yet is 0."""
    if not client.has("metrics"):
        return {}
    text = (await client.call("metrics", instance=0)).text
    return {name: total_of(text, name) or 0 for name in ALERTING}
