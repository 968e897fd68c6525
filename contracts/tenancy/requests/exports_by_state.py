"""One export in each state; without workers, states that are usually short stay."""

import uuid
from collections.abc import Mapping

import psycopg

from contracts.shared.exports.claim_function import ClaimFunction
from contracts.shared.tenants.populated_tenant import PopulatedTenant
from harness.client import Organization, Record, Sample
from harness.errors import Inconclusive
from harness.expect import expect_equal, expect_status
from harness.plugin.fixtures import OwnSystem
from harness.target import Target

STATES = ("queued", "preparing", "failed", "canceled")


async def exports_by_state(
    own: OwnSystem, org: Organization, target: Target, sample: Sample
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
    claims = ClaimFunction.of(own.control_database, target)
    async with claims.worker() as worker:
        claimed = await claims.claim(worker, "shakedown", 2)
    expect_equal(claimed, 2, "number of exports claimed out of three queued ones")
    await _fail(own, claims.table, exports["failed"]["id"])
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


async def _fail(own: OwnSystem, table: str, export_id: str) -> None:
    """Set an export from preparing to failed, as the backend would."""
    problem: Exception | None = None
    for more in (", completed_at = now(), error_code = 'by_hand', error_message = 'by hand'", ""):
        try:
            await own.control_database.fetch(
                f"UPDATE {table} SET state = 'failed'{more} WHERE id = %s",  # noqa: S608
                [export_id],
            )
        except (psycopg.Error, Inconclusive) as error:
            problem = error
        else:
            return
    raise Inconclusive(f"cannot set an export to failed in the database: {problem}")


def _estate(org: Organization, sample: Sample, export: Record) -> PopulatedTenant:
    return PopulatedTenant(
        org=org,
        sample=sample,
        key=str(uuid.uuid4()),
        values={"job": [export["job_id"]], "export": [export["id"]], "target": [export["id"]]},
        markers=frozenset(text.encode() for text in (export["id"], export["job_id"], org.id)),
    )
