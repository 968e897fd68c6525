"""The golden path of exports: requested, watched, downloaded; canceled, failed and retried."""

from contracts.golden.export_life import (
    expect_ended_well,
    expect_export,
    expect_refused,
    expect_retry_after,
    watch_until_ready,
)
from contracts.golden.export_lifecycle import expect_lifecycle
from contracts.golden.fields import expect_json
from contracts.golden.ledger_export import expect_chain_in, expect_whole_ledger
from contracts.shared.exports.archive import expect_evidence_in, unpack
from contracts.shared.exports.workerless_system import can_run_without_workers, workerless_system
from contracts.shared.resources.conventions import expect_conventions
from contracts.shared.resources.digests import expect_repr_digest
from contracts.shared.resources.pages import List, expect_listed
from harness.check import check
from harness.client import Organization, Record, Sample, Samples
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.coverage import Coverage
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Target


@check(
    "golden.export-download",
    "An export is queued, becomes ready and downloads as the ZIP it says; it can be canceled, "
    "and retried when it failed",
    checklist="Verify export generation and download",
    observes=2,
)
async def check_export_download(
    org: Organization,
    samples: Samples,
    target: Target,
    fresh_system: FreshSystem,
    observe: Observations,
    cover: Coverage,
) -> None:
    job = await org.new_job()
    uploaded = {}
    for sample in samples.one_of_each():
        uploaded[(await org.client.new_evidence(job["id"], sample))["id"]] = sample
    ready = []
    for export_type in ("proof-pack", "ledger"):
        ready.append(await expect_exported(org, job, export_type, uploaded))
        cover("states of exports", state=f"ready {export_type}")
        observe(what=export_type)
    again = await org.client.request_export(job["id"])
    expect(
        again.status == 202 and again.data["id"] != ready[0]["id"],
        expected="202 and another export for a job whose last one of that type is ready",
        got=again.describe(),
    )
    listed = List(operation_id="listExports", path={"job_id": job["id"]})
    ids = [*(export["id"] for export in ready), again.data["id"]]
    for limit in (1, 3, None):
        await expect_listed(org.client, listed, ids, limit=limit)
    if can_run_without_workers(target):
        async with workerless_system(fresh_system, target, api_instances=1) as workerless:
            tenant = await workerless.new_organization()
            async for state in expect_lifecycle(workerless, tenant, samples):
                cover("states of exports", state=state)
                observe(what="states looked at in peace")


async def expect_exported(
    org: Organization, job: Record, export_type: str, uploaded: dict[str, Sample]
) -> Record:
    """Fail unless an export goes its way and its ZIP holds what its type promises; give it."""
    requested = expect_status(await org.client.request_export(job["id"], export_type), 202)
    expect_retry_after(requested, "an accepted export")
    expect_json(requested)
    expect_conventions(requested, ids=("id", "job_id"), moments=["created_at"])
    expect_export(requested.data, org)
    for name, wanted in {"job_id": job["id"], "export_type": export_type, "filters": {}}.items():
        expect_equal(requested.data[name], wanted, f"{name} of a new {export_type} export")
    shown = expect_status(await org.client.follow(requested), 200)
    expect_equal(shown.data["id"], requested.data["id"], "the export at its Location")
    export = await watch_until_ready(org.client, org, requested.data)
    expect_ended_well(export)
    download = await org.client.download(export["id"])
    entries = unpack(download)
    expect_repr_digest(download)
    expect_equal(
        (await org.client.download(export["id"])).body, download.body, "the second download"
    )
    exported, events = expect_chain_in(entries, download.dialect), await org.client.ledger_events()
    expect_whole_ledger(exported, events, export["manifest"]["ledger_head"], export)
    if export_type == "proof-pack":
        expect_evidence_in(entries, uploaded)
    for operation_id in ("cancelExport", "retryExport"):
        await expect_refused(org.client, operation_id, export["id"], "ready")
    return export
