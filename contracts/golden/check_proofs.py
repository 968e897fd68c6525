"""The golden path of the proofs: the ledger event of an upload, and the manifest of an export."""

from contracts.golden.export_states import expect_false
from contracts.golden.exported_manifest import ExportedManifest
from contracts.golden.upload_events import look_at_chain, look_at_event
from contracts.shared.ledger.api_chain import expect_events
from contracts.shared.ledger.stored_ledger import StoredLedger
from harness.check import check
from harness.client import Organization, Record, Samples
from harness.expect import expect_equal, expect_status
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations
from harness.vocabulary.events import EXPORT_COMPLETED, EXPORT_REQUESTED

NESTED_FILTERS = {"phase": "after", "range": {"from": 1, "tags": ["a", "b", {"deep": "value"}]}}


@check(
    "golden.ledger-event",
    "An upload has a ledger event with a valid chain",
    checklist="Verify ledger event and hash chain",
    observes=4,
)
async def check_ledger_event(
    org: Organization,
    samples: Samples,
    stored_ledger: StoredLedger | None,
    observe: Observations,
    cells: Cells,
) -> None:
    """Upload evidence and export it: each step must have its event in the ledger.

    The backend must verify its own events; the chain read over HTTP must have no gaps or forks;
    where the database is readable, every hash is recomputed from the rows.
    """
    job = await org.new_job(may_hold_more=True)
    for number in range(1, 4):
        evidence = await org.client.new_evidence(job["id"], samples.new())
        await look_at_event(org, evidence, number, cells, observe)
    async with cells.of(operation="listLedgerEvents", what="events of a ready export"):
        await expect_export_events(org, job)
    await look_at_chain(org, stored_ledger, cells, observe)


async def expect_export_events(org: Organization, job: Record) -> None:
    """Fail unless an export has an event for its request and one for its completion."""
    export = await org.client.new_export(job["id"])
    await org.client.wait_for_export(export["id"])
    names = (EXPORT_REQUESTED, EXPORT_COMPLETED)
    requested, _ = await expect_events(org.client, export["id"], names, "a ready export")
    expect_equal(
        requested["actor_id"],
        org.users["member"],
        "actor_id of export.requested",
        rule="ledger.event-describes",
        subject="actor_id in listLedgerEvents",
    )


@check(
    "golden.manifest",
    "A manifest matches its files; changes are found",
    checklist="Verify manifest integrity",
    observes=10,
)
async def check_manifest(
    org: Organization, samples: Samples, observe: Observations, cells: Cells
) -> None:
    """Export three files and compare the manifest with the ZIP, its own hash and the ledger.

    verifyManifest must answer true for the unchanged manifest, false after a change at any depth,
    and false while an export is not ready.
    """
    job = await org.new_job()
    evidence = {
        made["id"]: made
        for made in [
            await org.client.new_evidence(job["id"], samples.new(mime_type))
            for mime_type in ("image/png", "application/pdf", "video/mp4")
        ]
    }
    ready: list[Record] = []
    async with cells.of(operation="getExport", what="becomes ready"):
        requested = await org.client.new_export(job["id"], filters=NESTED_FILTERS)
        ready.append(await org.client.wait_for_export(requested["id"]))
    for export in ready:
        await ExportedManifest(
            org=org,
            export=export,
            filters=org.client.sent_filters(NESTED_FILTERS),
            evidence=evidence,
            cells=cells,
            observe=observe,
        ).look_at()
    # Of another job: an export that never became ready is live in the first one.
    other = await org.new_job() if org.is_fresh else job
    for export_type in org.client.export_types:
        async with cells.of(operation="verifyManifest", type=export_type, state="not ready"):
            await expect_false_until_ready(org, other, export_type)
            observe(what="not ready")


async def expect_false_until_ready(org: Organization, job: Record, export_type: str) -> None:
    """Fail unless verification answers false three times for a live or canceled export."""
    requested = await org.client.new_export(job["id"], export_type)
    question, path = {"export_id": requested["id"]}, {"export_id": requested["id"]}
    answer = await org.client.call("verifyManifest", json=question)
    detail = "an export that was requested a moment ago"
    expect_status(answer, 200, detail=detail, rule="verify.manifest")
    canceled = await org.client.call("cancelExport", path=path)
    if canceled.status == 202:
        expect_false(answer, "live")  # it still was when it was canceled
        answer = await org.client.call("verifyManifest", json=question)
        expect_false(answer, "canceled")
