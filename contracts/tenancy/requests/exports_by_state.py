"""One export in each state; without workers, states that are usually short stay."""

import uuid
from collections.abc import Mapping

from contracts.shared.exports.workerless_system import WorkerlessSystem
from contracts.shared.tenants.populated_tenant import PopulatedTenant
from harness.client import Organization, Record, Sample
from harness.expect import expect_equal, expect_status

STATES = ("queued", "preparing", "failed", "canceled")


async def exports_by_state(
    workerless: WorkerlessSystem, org: Organization, sample: Sample
) -> dict[str, PopulatedTenant]:
    """A job with an export for each of `STATES`, on a system without workers.

    Two exports are claimed as a worker does; one of them is then set to failed in the database.
    """
    exports = {}
    for state in ("preparing", "failed", "queued", "canceled"):
        job = await org.new_job(f"Job {uuid.uuid4()}")
        await org.client.new_evidence(job["id"], sample)
        exports[state] = await org.client.new_export(job["id"])
    cancel = {"export_id": exports["canceled"]["id"]}
    expect_status(await org.client.call("cancelExport", path=cancel), 202)
    await workerless.claim_oldest([exports[state]["id"] for state in ("preparing", "failed")])
    await workerless.fail(exports["failed"]["id"])
    shown = {state: await org.client.get_export(export["id"]) for state, export in exports.items()}
    got = {state: export["state"] for state, export in shown.items()}
    expect_equal(got, {state: state for state in got}, "states of the exports")
    return {state: _estate(org, sample, export) for state, export in shown.items()}


async def shown_exports(tenants: Mapping[str, PopulatedTenant]) -> dict[str, Record]:
    """The exports as their owner sees them, and the whole ledger."""
    org = next(iter(tenants.values())).org
    shown = {
        state: await org.client.get_export(tenant.values["export"][0])
        for state, tenant in tenants.items()
    }
    return {f"the {state} export": export for state, export in shown.items()} | {
        "the ledger": Record(events=await org.client.ledger_events())
    }


def _estate(org: Organization, sample: Sample, export: Record) -> PopulatedTenant:
    return PopulatedTenant(
        org=org,
        sample=sample,
        key=str(uuid.uuid4()),
        values={"job": [export["job_id"]], "export": [export["id"]], "target": [export["id"]]},
        markers=frozenset(text.encode() for text in (export["id"], export["job_id"], org.id)),
    )
