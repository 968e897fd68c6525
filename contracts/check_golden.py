"""The golden path: upload, repeat, export, download, verify; each step looked at closely."""

import copy

from contracts.archive import expect_evidence_in, unpack
from contracts.chain import expect_linked, expect_verified
from contracts.conventions import expect_convention, expect_just_now
from contracts.digests import expect_repr_digest, jcs_hash, sha256_hex
from contracts.evidence import (
    FORM,
    REPEATED_FORM,
    expect_content,
    expect_replayed,
    expect_sealed,
)
from contracts.manifests import (
    TAMPERINGS,
    expect_described,
    expect_files_match,
    expect_recorded,
    expect_tampering_seen,
    expect_valid,
)
from contracts.stored_ledger import StoredLedger
from harness.check import check
from harness.client import Organisation, Samples
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.observations import Observations

NESTED_FILTERS = {"phase": "after", "range": {"from": 1, "tags": ["a", "b", {"deep": "value"}]}}


@check(
    "golden.upload",
    "A real file of each allowed type is sealed and comes back byte for byte",
    checklist="Verify evidence upload end to end",
    observes=9,
)
async def check_upload(org: Organisation, samples: Samples, observe: Observations) -> None:
    job = await org.new_job()
    for sample in samples.one_of_each():
        answer = expect_status(
            await org.client.upload(job["id"], sample, form=FORM), 201, detail=sample.mime_type
        )
        evidence = answer.data
        expect_convention(answer, ids=("id", "job_id", "ledger_event_id"), moments=["created_at"])
        expect_sealed(evidence, sample, job, org)
        shown = expect_status(await org.client.follow(answer), 200)
        expect_equal(shown.data, evidence, "what the upload's Location shows")
        content = expect_status(
            await org.client.call("getEvidenceContent", path={"evidence_id": evidence["id"]}), 200
        )
        expect_content(content, sample)
        observe()
    listed = await org.client.listed("listEvidence", path={"job_id": job["id"]})
    expect_equal(len(listed), 9, "the number of the job's evidence after nine uploads")


@check(
    "golden.upload-replay",
    "The same upload under the same key answers with the original, and adds nothing",
    checklist="Verify evidence upload idempotency",
    observes=3,
)
async def check_upload_replay(org: Organisation, samples: Samples, observe: Observations) -> None:
    job = await org.new_job()
    sample, key = samples.new("image/jpeg"), "shakedown-replay-1"
    first = expect_status(await org.client.upload(job["id"], sample, key=key, form=FORM), 201)
    for repeated_key in (key, key, f'"{key}"'):
        again = await org.client.upload(
            job["id"], sample, key=repeated_key, form=REPEATED_FORM, instance=first.instance
        )
        expect_replayed(again, first)
        observe()
    expect(
        not first.flag("x-idempotency-replayed"),
        expected="no X-Idempotency-Replayed on the first answer to a key",
        came=first.describe(),
    )
    listed = await org.client.listed("listEvidence", path={"job_id": job["id"]})
    expect_equal([item["id"] for item in listed], [first.data["id"]], "the job's evidence")
    events = await org.client.ledger_events(target_id=first.data["id"])
    expect_equal(
        [event["event_name"] for event in events],
        ["evidence.sealed"],
        "the ledger events of evidence that was uploaded once and repeated three times",
    )


@check(
    "golden.export-download",
    "A proof pack is queued, becomes ready, and downloads as a ZIP of the job's evidence",
    checklist="Verify export generation and download",
    observes=2,
)
async def check_export_download(org: Organisation, samples: Samples, observe: Observations) -> None:
    job = await org.new_job()
    uploaded = {}
    for sample in samples.one_of_each():
        uploaded[(await org.client.new_evidence(job["id"], sample))["id"]] = sample
    for export_type in ("proof-pack", "ledger"):
        requested = expect_status(await org.client.request_export(job["id"], export_type), 202)
        expect(
            requested.headers.get("retry-after", "").isdigit(),
            expected="a Retry-After in seconds with an accepted export",
            came=repr(requested.headers.get("retry-after")),
        )
        expect_convention(requested, ids=("id", "job_id"), moments=["created_at"])
        shown = expect_status(await org.client.follow(requested), 200)
        expect_equal(shown.data["id"], requested.data["id"], "the export at its Location")
        export = await org.client.wait_for_export(requested.data["id"])
        for name in ("created_at", "started_at", "completed_at"):
            expect_just_now(export, name)
        expect_equal(export["progress"], 100, "the progress of a ready export")
        expect_equal(export["attempt"], 1, "the attempts of an export that nothing disturbed")
        download = await org.client.download(export["id"])
        entries = unpack(download)
        expect_repr_digest(download)
        if export_type == "proof-pack":
            expect_evidence_in(entries, uploaded)
        observe(what=export_type)


@check(
    "golden.ledger-event",
    "The event of an upload exists, and its hash and chain hold when they are computed again",
    checklist="Verify ledger event and hash chain",
    observes=4,
)
async def check_ledger_event(
    org: Organisation,
    samples: Samples,
    stored_ledger: StoredLedger | None,
    observe: Observations,
) -> None:
    job = await org.new_job()
    for number in range(1, 4):
        evidence = await org.client.new_evidence(job["id"], samples.new())
        path = {"event_id": evidence["ledger_event_id"]}
        shown = expect_status(await org.client.call("getLedgerEvent", path=path), 200)
        expect_convention(shown, ids=("id", "target_id"), moments=["created_at"])
        event = shown.data
        expect_equal(event["event_name"], "evidence.sealed", "the event of an upload")
        expect_equal(event["target_id"], evidence["id"], "the target of the event")
        expect_equal(event["actor_id"], org.users["member"], "the actor of the event")
        expect_equal(event["ledger_seq"], number, "the ledger_seq of the event")
        await expect_verified(org.client, event)
        observe(what="verified by the backend")
    export = await org.client.new_export(job["id"])
    await org.client.wait_for_export(export["id"])
    names = [
        event["event_name"] for event in await org.client.ledger_events(target_id=export["id"])
    ]
    expect_equal(names, ["export.requested", "export.completed"], "the events of a ready export")
    events = await org.client.ledger_events()
    expect_linked(events)
    await expect_verified(org.client, events[-1])
    observe(what="chain read over HTTP")
    if stored_ledger is not None:
        rows = await stored_ledger.expect_sound(org.id)
        expect_equal(
            [row.hash for row in rows],
            [event["hash"] for event in events],
            "the hashes that the API shows, against the rows of the database",
        )
        observe(len(rows), what="recomputed from the database")


@check(
    "golden.manifest",
    "The manifest's hash and files are right, verify as such, and a change at any depth is seen",
    checklist="Verify manifest integrity",
    observes=10,
)
async def check_manifest(org: Organisation, samples: Samples, observe: Observations) -> None:
    job = await org.new_job()
    for mime_type in ("image/png", "application/pdf", "video/mp4"):
        await org.client.new_evidence(job["id"], samples.new(mime_type))
    requested = await org.client.new_export(job["id"], filters=NESTED_FILTERS)
    export = await org.client.wait_for_export(requested["id"])
    path = {"export_id": export["id"]}
    stored = expect_status(await org.client.call("getManifest", path=path), 200)
    entries = unpack(await org.client.download(export["id"]))
    manifest = stored.document

    expect_equal(entries.get("manifest.json"), stored.body, "manifest.json in the ZIP")
    expect_equal(
        sha256_hex(stored.body), export["manifest_hash"], "the SHA-256 of the manifest's bytes"
    )
    expect_equal(jcs_hash(manifest), export["manifest_hash"], "the RFC 8785 hash of the manifest")
    observe(3, what="hashes recomputed")
    expect_described(manifest, export, org, NESTED_FILTERS)
    expect_files_match(manifest, entries)
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
