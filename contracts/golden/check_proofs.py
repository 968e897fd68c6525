"""The golden path of the proofs: the ledger event of an upload, and the manifest of an export."""

import copy

from contracts.golden.export_life import expect_false
from contracts.golden.fields import LEDGER_EVENT, expect_fields, expect_json
from contracts.shared.exports.archive import unpack
from contracts.shared.exports.manifests import (
    TAMPERINGS,
    expect_described,
    expect_files_match,
    expect_recorded,
    expect_tampering_seen,
    expect_valid,
)
from contracts.shared.ledger.api_chain import expect_linked, expect_verified
from contracts.shared.ledger.stored_ledger import StoredLedger
from contracts.shared.resources.conventions import expect_conventions
from contracts.shared.resources.digests import jcs_hash, sha256_hex
from contracts.shared.resources.pages import List, expect_listed
from harness.check import check
from harness.client import Organization, Record, Samples
from harness.expect import expect_equal, expect_status
from harness.plugin.observations import Observations

NESTED_FILTERS = {"phase": "after", "range": {"from": 1, "tags": ["a", "b", {"deep": "value"}]}}


@check(
    "golden.ledger-event",
    "The event of an upload exists, and its hash and chain hold when they are computed again",
    checklist="Verify ledger event and hash chain",
    observes=4,
)
async def check_ledger_event(
    org: Organization,
    samples: Samples,
    stored_ledger: StoredLedger | None,
    observe: Observations,
) -> None:
    job = await org.new_job()
    for number in range(1, 4):
        evidence = await org.client.new_evidence(job["id"], samples.new())
        path = {"event_id": evidence["ledger_event_id"]}
        shown = expect_status(await org.client.call("getLedgerEvent", path=path), 200)
        expect_conventions(shown, ids=("id", "target_id"), moments=["created_at"])
        expect_json(shown)
        event = shown.data
        expect_fields(event, LEDGER_EVENT)
        expect_equal(event["organization_id"], org.id, "organization_id of an event")
        expect_equal(event["event_name"], "evidence.sealed", "the event of an upload")
        expect_equal(event["target_id"], evidence["id"], "the target of the event")
        expect_equal(event["actor_id"], org.users["member"], "the actor of the event")
        if org.is_fresh:
            expect_equal(event["ledger_seq"], number, "the ledger_seq of the event")
        await expect_verified(org.client, event)
        observe(what="verified by the backend")
    export = await org.client.new_export(job["id"])
    await org.client.wait_for_export(export["id"])
    of_export = await org.client.ledger_events(target_id=export["id"])
    expect_equal(
        [event["event_name"] for event in of_export],
        ["export.requested", "export.completed"],
        "the events of a ready export",
    )
    expect_equal(of_export[0]["actor_id"], org.users["member"], "who requested the export")
    events = await org.client.ledger_events()
    if org.is_fresh:  # others may append to it meanwhile, and it may be long
        await expect_listed_alike(org, events)
    expect_linked(events)
    await expect_verified(org.client, events[-1])
    observe(what="chain read over HTTP")
    if stored_ledger is not None:
        rows = await stored_ledger.expect_valid_chain(org.id)
        expect_equal(
            [row.hash for row in rows],
            [event["hash"] for event in events],
            "the hashes that the API shows, against the rows of the database",
        )
        observe(len(rows), what="recomputed from the database")


async def expect_listed_alike(org: Organization, events: list[Record]) -> None:
    """Fail unless every page shows the events in ascending ledger_seq, as they are shown alone."""
    ids = [event["id"] for event in events]
    for limit in (1, 2, None):
        items = await expect_listed(
            org.client, List(operation_id="listLedgerEvents"), ids, limit=limit
        )
        expect_equal(items, events, f"the ledger in pages of {limit}")
    for event in events:
        expect_fields(event, LEDGER_EVENT)
        shown = await org.client.call("getLedgerEvent", path={"event_id": event["id"]})
        expect_equal(expect_status(shown, 200).data, event, "an event as getLedgerEvent shows it")
    for target_id in {event["target_id"] for event in events}:
        of_target = [event for event in events if event["target_id"] == target_id]
        query = {"target_id": target_id}
        listed = List(operation_id="listLedgerEvents", query=query)
        wanted = [event["id"] for event in of_target]
        items = await expect_listed(org.client, listed, wanted, limit=1)
        expect_equal(items, of_target, "the events of one target, in pages of 1")


@check(
    "golden.manifest",
    "The manifest's hash and files are right, verify as such, and a change at any depth is seen",
    checklist="Verify manifest integrity",
    observes=10,
)
async def check_manifest(org: Organization, samples: Samples, observe: Observations) -> None:
    job = await org.new_job()
    evidence = {
        made["id"]: made
        for made in [
            await org.client.new_evidence(job["id"], samples.new(mime_type))
            for mime_type in ("image/png", "application/pdf", "video/mp4")
        ]
    }
    requested = await org.client.new_export(job["id"], filters=NESTED_FILTERS)
    export = await org.client.wait_for_export(requested["id"])
    path = {"export_id": export["id"]}
    stored = expect_status(await org.client.call("getManifest", path=path), 200)
    entries = unpack(await org.client.download(export["id"]))
    manifest = stored.document
    expect_json(stored)
    expect_equal(export["manifest"], manifest, "the manifest in the data of the export")

    expect_equal(entries.get("manifest.json"), stored.sent.body, "manifest.json in the ZIP")
    expect_equal(
        sha256_hex(stored.sent.body), export["manifest_hash"], "the SHA-256 of the manifest's bytes"
    )
    expect_equal(
        jcs_hash(stored.sent.document),
        export["manifest_hash"],
        "the RFC 8785 hash of the manifest",
    )
    observe(3, what="hashes recomputed")
    expect_described(manifest, export, org, NESTED_FILTERS)
    expect_files_match(manifest, entries)
    expect_evidence_described(manifest, evidence)
    observe(len(manifest["files"]), what="files")
    await expect_recorded(org.client, manifest, export)

    for question in (
        {"export_id": export["id"]},
        {"manifest": manifest},
        {"manifest": manifest, "export_id": export["id"]},
    ):
        await expect_valid(org.client, question)
        observe(what="verified")
    for depth, tamper in TAMPERINGS.items():
        forged = copy.deepcopy(manifest)
        tamper(forged)
        await expect_tampering_seen(org.client, forged, export["id"], depth)
        observe(what="tampered")
    await expect_false_until_ready(org, job)
    observe(what="not ready")


def expect_evidence_described(manifest: Record, evidence: dict[str, Record]) -> None:
    """Fail unless `files` names the job's evidence, each once, with its size and digest."""
    files = {
        file["evidence_id"]: (file["sha256"], file["size"])
        for file in manifest["files"]
        if file["evidence_id"] is not None
    }
    wanted = {made["id"]: (made["file_sha256"], made["file_size"]) for made in evidence.values()}
    expect_equal(files, wanted, "digest and size by evidence_id in `files`")


async def expect_false_until_ready(org: Organization, job: Record) -> None:
    """Fail unless verification says three times false of an export that is live, or canceled."""
    for export_type in ("ledger", "proof-pack"):
        requested = await org.client.new_export(job["id"], export_type)
        question, path = {"export_id": requested["id"]}, {"export_id": requested["id"]}
        answer = await org.client.call("verifyManifest", json=question)
        expect_status(answer, 200, detail="an export that was requested a moment ago")
        canceled = await org.client.call("cancelExport", path=path)
        if canceled.status == 202:
            expect_false(answer, "live")  # it still was when it was canceled
            answer = await org.client.call("verifyManifest", json=question)
            expect_false(expect_status(answer, 200), "canceled")
