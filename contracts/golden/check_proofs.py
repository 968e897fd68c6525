"""The golden path of the proofs: the ledger event of an upload, and the manifest of an export."""

from contracts.golden.export_states import expect_false
from contracts.golden.fields import LEDGER_EVENT, expect_fields, expect_json, expect_resource
from contracts.shared.exports.archive import unpack
from contracts.shared.exports.manifests import (
    expect_described,
    expect_files_match,
    expect_recorded,
    expect_valid,
)
from contracts.shared.exports.stored_manifest import stored_manifest
from contracts.shared.ledger.api_chain import expect_events, expect_linked, expect_verified
from contracts.shared.ledger.stored_ledger import StoredLedger
from contracts.shared.resources import json_changes
from contracts.shared.resources.digests import jcs_hash, sha256_hex
from contracts.shared.resources.flags import expect_flags
from contracts.shared.resources.pages import Listing, expect_listed
from harness.check import check
from harness.client import Client, Organization, Record, Samples
from harness.expect import expect_equal, expect_status
from harness.plugin.observations import Observations

NESTED_FILTERS = {"phase": "after", "range": {"from": 1, "tags": ["a", "b", {"deep": "value"}]}}

CHANGED_AT: tuple[json_changes.Path, ...] = (
    ("generated_at",),
    ("files", 0, "size"),
    ("filters", "range", "tags", 2, "deep"),
    ("ledger_head", "hash"),
)
"""Where a manifest is changed, from the top to the fifth level."""


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
) -> None:
    """Upload evidence and export it: each step must have its event in the ledger.

    The backend must verify its own events; the chain read over HTTP must have no gaps or forks;
    where the database is readable, every hash is recomputed from the rows.
    """
    job = await org.new_job(may_hold_more=True)
    for number in range(1, 4):
        evidence = await org.client.new_evidence(job["id"], samples.new())
        path = {"event_id": evidence["ledger_event_id"]}
        shown = expect_status(await org.client.call("getLedgerEvent", path=path), 200)
        event = expect_resource(shown, LEDGER_EVENT)
        for name, expected in {
            "organization_id": org.id,
            "event_name": "evidence.sealed",
            "target_id": evidence["id"],
            "actor_id": org.users["member"],
        }.items():
            expect_equal(event[name], expected, f"{name} of the event of an upload")
        if org.is_fresh:
            expect_equal(event["ledger_seq"], number, "ledger_seq of the event")
        await expect_verified(org.client, event)
        observe(what="verified by the backend")
    export = await org.client.new_export(job["id"])
    await org.client.wait_for_export(export["id"])
    names = ("export.requested", "export.completed")
    of_export = await expect_events(org.client, export["id"], names, "a ready export")
    expect_equal(of_export[0]["actor_id"], org.users["member"], "actor_id of export.requested")
    events = await org.client.ledger_events()
    if org.is_fresh:  # else other clients may append events meanwhile
        await expect_listed_events(org, events)
    expect_linked(events)
    await expect_verified(org.client, events[-1])
    observe(what="chain read over HTTP")
    if stored_ledger is not None:
        rows = await stored_ledger.expect_valid_chain(org.id)
        hashes = [event["hash"] for event in events]
        expect_equal([row.hash for row in rows], hashes, "hashes in the database, as in the API")
        observe(len(rows), what="recomputed from the database")


async def expect_listed_events(org: Organization, events: list[Record]) -> None:
    """Fail unless lists show the same events as getLedgerEvent, in ascending ledger_seq."""
    ids = [event["id"] for event in events]
    for limit in (1, 2, None):
        listing = Listing(operation_id="listLedgerEvents")
        items = await expect_listed(org.client, listing, ids, limit=limit)
        expect_equal(items, events, f"events of the ledger in pages of {limit}")
    for event in events:
        expect_fields(event, LEDGER_EVENT)
        shown = await org.client.call("getLedgerEvent", path={"event_id": event["id"]})
        expect_equal(expect_status(shown, 200).data, event, "data of a listed event")
    for target_id in {event["target_id"] for event in events}:
        of_target = [event for event in events if event["target_id"] == target_id]
        query = {"target_id": target_id}
        listing = Listing(operation_id="listLedgerEvents", query=query)
        wanted = [event["id"] for event in of_target]
        items = await expect_listed(org.client, listing, wanted, limit=1)
        expect_equal(items, of_target, "events of one target in pages of 1")


@check(
    "golden.manifest",
    "A manifest matches its files; changes are found",
    checklist="Verify manifest integrity",
    observes=10,
)
async def check_manifest(org: Organization, samples: Samples, observe: Observations) -> None:
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
    requested = await org.client.new_export(job["id"], filters=NESTED_FILTERS)
    export = await org.client.wait_for_export(requested["id"])
    stored = await stored_manifest(org.client, export["id"])
    entries = unpack(await org.client.download(export["id"]))
    manifest = stored.document
    expect_json(stored)
    expect_equal(export["manifest"], manifest, "manifest in the data of the export")
    original = stored.sent
    expect_equal(entries.get("manifest.json"), original.body, "manifest.json in the ZIP")
    expected = export["manifest_hash"]
    expect_equal(sha256_hex(original.body), expected, "SHA-256 of the manifest's bytes")
    expect_equal(jcs_hash(original.document), expected, "RFC 8785 hash of the manifest")
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
    for changed_at in CHANGED_AT:
        await expect_change_found(org.client, manifest, changed_at, export["id"])
        observe(what="tampered")
    await expect_false_until_ready(org, job)
    observe(what="not ready")


def expect_evidence_described(manifest: Record, evidence: dict[str, Record]) -> None:
    """Fail unless `files` names the job's evidence, each once, with size and digest."""
    files = {
        file["evidence_id"]: (file["sha256"], file["size"])
        for file in manifest["files"]
        if file["evidence_id"] is not None
    }
    wanted = {made["id"]: (made["file_sha256"], made["file_size"]) for made in evidence.values()}
    expect_equal(files, wanted, "sha256 and size by evidence_id in `files`")


async def expect_change_found(
    client: Client, manifest: Record, path: json_changes.Path, export_id: str
) -> None:
    """Fail when a manifest that was changed at this path still matches its export."""
    question = {"manifest": json_changes.changed(manifest, path), "export_id": export_id}
    answer = await client.call("verifyManifest", json=question)
    what = f"a manifest changed at {json_changes.pointer(path)}"
    expect_flags(answer, {"export_match": False}, what)


async def expect_false_until_ready(org: Organization, job: Record) -> None:
    """Fail unless verification answers false three times for a live or canceled export."""
    for export_type in ("ledger", "proof-pack"):
        requested = await org.client.new_export(job["id"], export_type)
        question, path = {"export_id": requested["id"]}, {"export_id": requested["id"]}
        answer = await org.client.call("verifyManifest", json=question)
        expect_status(answer, 200, detail="an export that was requested a moment ago")
        canceled = await org.client.call("cancelExport", path=path)
        if canceled.status == 202:
            expect_false(answer, "live")  # it still was when it was canceled
            answer = await org.client.call("verifyManifest", json=question)
            expect_false(answer, "canceled")
