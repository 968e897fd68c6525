"""The golden path of exports: requested, polled, downloaded; canceled, failed and retried."""

from contracts.golden.export_lifecycle import expect_lifecycle
from contracts.golden.export_states import (
    expect_export,
    expect_first_attempt_times,
    expect_refused,
    watch_until_ready,
)
from contracts.golden.fields import EXPORT, expect_resource
from contracts.shared.exports.archive import expect_evidence_in, unpack
from contracts.shared.exports.workerless_system import can_run_without_workers, workerless_system
from contracts.shared.ledger.ledger_file import CHAIN_FIELDS, expect_ledger_file
from contracts.shared.resources.conventions import expect_retry_after
from contracts.shared.resources.digests import expect_repr_digest
from contracts.shared.resources.pages import Listing, expect_listed
from harness.check import check
from harness.client import Organization, Record, Sample, Samples
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.coverage import Coverage
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Target


@check(
    "golden.export-download",
    "An export becomes ready and downloads as a ZIP",
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
    """Request an export of each type, poll it until it is ready, and download it.

    The ZIP must hold the files that its type promises, and the ledger as of the request. Another
    request after that makes another export. On a system without workers one export goes through
    every state: live ones can be canceled, failed ones retried, and nothing else is accepted.
    """
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
    listing = Listing(operation_id="listExports", path={"job_id": job["id"]})
    ids = [*(export["id"] for export in ready), again.data["id"]]
    for limit in (1, 3, None):
        await expect_listed(org.client, listing, ids, limit=limit)
    if can_run_without_workers(target):
        async with workerless_system(fresh_system, target, api_instances=1) as workerless:
            tenant = await workerless.new_organization()
            async for state in expect_lifecycle(workerless, tenant, samples):
                cover("states of exports", state=state)
                observe(what="states of an export without workers")


async def expect_exported(
    org: Organization, job: Record, export_type: str, uploaded: dict[str, Sample]
) -> Record:
    """Fail unless an export becomes ready and its ZIP holds what its type promises; give it."""
    requested = expect_status(await org.client.request_export(job["id"], export_type), 202)
    expect_retry_after(requested, "an accepted export")
    expect_export(expect_resource(requested, EXPORT), org)
    for name, expected in {"job_id": job["id"], "export_type": export_type, "filters": {}}.items():
        expect_equal(requested.data[name], expected, f"{name} of a new {export_type} export")
    shown = expect_status(await org.client.follow(requested), 200)
    expect_equal(shown.data["id"], requested.data["id"], "ID of the export at its Location")
    export = await watch_until_ready(org.client, org, requested.data)
    expect_first_attempt_times(export)
    download = await org.client.download(export["id"])
    entries = unpack(download)
    expect_repr_digest(download)
    again = await org.client.download(export["id"])
    expect_equal(again.body, download.body, "bytes of the second download")
    expect_whole_ledger(entries, export, await org.client.ledger_events())
    if export_type == "proof-pack":
        expect_evidence_in(entries, uploaded)
    for operation_id in ("cancelExport", "retryExport"):
        await expect_refused(org.client, operation_id, export["id"], "ready")
    return export


def expect_whole_ledger(entries: dict[str, bytes], export: Record, events: list[Record]) -> None:
    """Fail unless an export holds the organization's whole ledger as of its request.

    The request's own event may be in it or not, as its `ledger_head` says.
    """
    (requested,) = (
        event["ledger_seq"]
        for event in events
        if event["target_id"] == export["id"] and event["event_name"] == "export.requested"
    )
    last = export["manifest"]["ledger_head"]["ledger_seq"]
    expect(
        last in {requested - 1, requested},
        expected=f"ledger_head as of the request, which is event {requested}",
        got=f"ledger_seq {last}",
    )
    expect("ledger.json" in entries, expected="ledger.json in the ZIP", got=str(sorted(entries)))
    required = (*CHAIN_FIELDS, "event_name", "target_id")
    expect_ledger_file(entries["ledger.json"], export["manifest"], events, required=required)
    head = export["manifest"]["ledger_head"]["hash"]
    expect_equal(head, events[last - 1]["hash"], "hash in ledger_head, of the last exported event")
