"""The stored manifest: the same text everywhere, which verifies by the id of its export."""

import json
import uuid

from contracts.manifest.ready_exports import ReadyExport, make_export, upload_files
from contracts.manifest.rfc8785_examples import FILTERS
from contracts.manifest.verify_manifest import (
    ALL_FALSE,
    expect_untampered,
    objects_in,
)
from contracts.shared.exports.ended_exports import canceled_export
from contracts.shared.exports.manifests import (
    expect_described,
    expect_recorded,
    ledger_head,
    manifest_files,
)
from contracts.shared.exports.stored_manifest import stored_manifest
from contracts.shared.resources.digests import jcs_hash, sha256_hex
from contracts.shared.resources.flags import expect_flags
from harness.check import check
from harness.client import LIVE_STATES, Client, Organization, Samples
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.observations import Observations

EXPORT_TYPES = ("proof-pack", "ledger")


@check(
    "manifest.stored",
    "The stored manifest is canonical and verifies",
    checklist="Verify manifest integrity",
    observes=2 * 5 + 4,
)
async def check_stored(
    org: Organization, other_org: Organization, samples: Samples, observe: Observations
) -> None:
    """Makes one export of each type and reads its manifest in every way.

    API, ZIP and every instance show the same text, which is its own RFC 8785 serialization and
    has the recorded hash. It describes the export and the ledger head of its request, and
    verifies by the export's id. Exports that are not ready or of others do not verify.
    Contract: the section on exports, "manifest".
    """
    job = await org.new_job()
    await upload_files(org, job, [samples.new(), samples.new("application/pdf")])
    exports = [await make_export(org, job, export_type) for export_type in EXPORT_TYPES]
    for made in exports:
        expect_same_text(made)
        observe(3, what="copies of a manifest")
        expect_described(made.manifest, made.export, org, FILTERS)
        await expect_recorded(org.client, made.manifest, made.export)
        await expect_head_at_request(org.client, made)
        observe(what="ledger heads")
        for instance in range(org.client.instances):
            await expect_verified_at(org.client.at(instance), made)
        observe(what="verified by id, at every instance")

    canceled, _ = await canceled_export(org)
    for question in ({}, {"manifest": exports[0].manifest}):
        asked = {"export_id": canceled["id"], **question}
        answer = await org.client.call("verifyManifest", json=asked)
        expect_flags(answer, ALL_FALSE, "an export that was canceled")
        observe(what="verified before it is ready")
    await expect_live_not_verified(org)
    await expect_unknown_to(other_org.client, exports[0])
    observe(2, what="foreign and absent")


def expect_same_text(made: ReadyExport) -> None:
    """Fail unless the manifest is the same text everywhere, and that text is canonical."""
    kind = made.export["export_type"]
    text, digest = made.manifest_bytes, made.export["manifest_hash"]
    expect_equal(made.entries.get("manifest.json"), text, f"manifest.json in the ZIP of a {kind}")
    expect_equal(sha256_hex(text), digest, "SHA-256 of the bytes of the manifest")
    expect_equal(
        jcs_hash(json.loads(text)), digest, "SHA-256 of the manifest's RFC 8785 serialization"
    )
    expect_equal(made.export["manifest"], made.manifest, "manifest that the export shows")


async def expect_head_at_request(client: Client, made: ReadyExport) -> None:
    """Fail unless the ledger head is that of the request, while nothing else is appended.

    The head may be the event of the request itself or the one before it.
    """
    seq, _ = ledger_head(made.manifest)
    requests = [
        event["ledger_seq"]
        for event in await client.ledger_events(target_id=made.id)
        if event["event_name"] == "export.requested"
    ]
    expect(
        len(requests) == 1 and seq in (requests[0], requests[0] - 1),
        expected=f"ledger head as of the request: event {requests} or the one before it",
        got=f"event {seq}",
    )


async def expect_verified_at(client: Client, made: ReadyExport) -> None:
    """Fail unless this instance shows the same bytes and verifies them and every file."""
    shown = await stored_manifest(client, made.id)
    expect_equal(shown.sent.body, made.manifest_bytes, "bytes of the manifest at every instance")
    answer = await client.call("verifyManifest", json={"export_id": made.id})
    expect_untampered(answer, f"an unchanged {made.export['export_type']} export, by its id")
    expect_equal(
        sorted(file["name"] for file in objects_in(answer, "files")),
        sorted(file["name"] for file in manifest_files(made.manifest)),
        "names of the files in the answer of verifyManifest",
    )


async def expect_live_not_verified(org: Organization) -> None:
    """Fail when an export verifies that is not ready even after the answer."""
    requested = await org.client.new_export((await org.new_job())["id"])
    answer = await org.client.call("verifyManifest", json={"export_id": requested["id"]})
    now = await org.client.get_export(requested["id"])
    expect_status(answer, 200)
    if now["state"] in LIVE_STATES:
        expect_flags(answer, ALL_FALSE, f"an export that is {now['state']}")


async def expect_unknown_to(stranger: Client, made: ReadyExport) -> None:
    """Fail unless another organization's export is answered like an unknown one."""
    answers = []
    for export_id in (made.id, str(uuid.uuid4())):
        for question in ({}, {"manifest": made.manifest}):
            asked = {"export_id": export_id, **question}
            answers.append(await stranger.call("verifyManifest", json=asked))
    for answer in answers:
        expect_status(answer, 404, detail="an export of another organization, or an unknown one")
    expect_equal(
        len({answer.code for answer in answers}),
        1,
        "number of different error codes for unknown and foreign exports",
    )
