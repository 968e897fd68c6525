"""The stored manifest: the same text everywhere, which verifies by the id of its export."""

import json
import uuid
from functools import partial

from contracts.manifest.ready_exports import ReadyExport, make_export, upload_files
from contracts.manifest.rfc8785_examples import FILTERS
from contracts.manifest.verify_manifest import (
    ALL_FALSE,
    VERIFIED,
    expect_untampered,
    objects_in,
)
from contracts.shared.exports.ended_exports import canceled_export
from contracts.shared.exports.manifests import (
    HASHED,
    described,
    expect_named,
    expect_recorded,
    manifest_files,
    place_of_head,
)
from contracts.shared.exports.stored_manifest import stored_manifest
from contracts.shared.ledger.ledger_file import WHOLE_LEDGER
from contracts.shared.resources.conventions import expect_recent
from contracts.shared.resources.digests import jcs_hash, sha256_hex
from contracts.shared.resources.flags import expect_flags
from harness.check import check
from harness.client import LIVE_STATES, Client, Organization, Samples
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations


@check(
    "manifest.stored",
    "The stored manifest is canonical and verifies",
    checklist="Verify manifest integrity",
    observes=2 * 5 + 4,
)
async def check_stored(
    org: Organization,
    other_org: Organization,
    samples: Samples,
    observe: Observations,
    cells: Cells,
) -> None:
    """Makes one export of each type and reads its manifest in every way.

    API, ZIP and every instance show the same text, which is its own RFC 8785 serialization and
    has the recorded hash. It describes the export and the ledger head of its request, and
    verifies by the export's id. Exports that are not ready or of others do not verify.
    Contract: the section on exports, "manifest".
    """
    job = await org.new_job()
    await upload_files(org, job, [samples.new(), samples.new("application/pdf")])
    exports: list[ReadyExport] = []
    for export_type in org.client.export_types:
        async with cells.of(type=export_type, what="a ready export"):
            exports.append(await make_export(org, job, export_type))
    for made in exports:
        await look_at_text(made, observe, cells)
        await look_at_members(made, org, observe, cells)
        for instance in range(org.client.instances):
            await look_at_instance(org.client.at(instance), made, observe, cells)

    await look_at_canceled(org, exports, observe, cells)
    async with cells.of(operation="verifyManifest", state="live"):
        await expect_live_not_verified(org)
        observe(what="foreign and absent")
    for made in exports[:1]:
        async with cells.of(operation="verifyManifest", id="foreign"):
            await expect_unknown_to(other_org.client, made)
            observe(what="foreign and absent")


async def look_at_text(made: ReadyExport, observe: Observations, cells: Cells) -> None:
    """Look whether the manifest is the same text everywhere, and that text is canonical."""
    text, digest = made.manifest_bytes, made.export["manifest_hash"]
    canonical = "SHA-256 of the manifest's RFC 8785 serialization"
    cell = partial(cells.of, type=made.type)
    async with cell(what="manifest.json in the ZIP"):
        made.recall_download()
        got = made.entries.get("manifest.json")
        expect_equal(got, text, f"manifest.json in the ZIP of a {made.type}", rule=HASHED)
        observe(what="copies of a manifest")
    async with cell(what="SHA-256 of its bytes"):
        made.recall_manifest()
        expect_equal(sha256_hex(text), digest, "SHA-256 of the manifest's bytes", rule=HASHED)
        observe(what="copies of a manifest")
    async with cell(what="hash of RFC 8785"):
        made.recall_manifest()
        expect_equal(jcs_hash(json.loads(text)), digest, canonical, rule=HASHED)
        observe(what="copies of a manifest")
    async with cell(what="as in the data of the export"):
        made.recall_manifest()
        got = made.export["manifest"]
        expect_equal(got, made.manifest, "manifest in the data of the export", rule=HASHED)


async def look_at_members(
    made: ReadyExport, org: Organization, observe: Observations, cells: Cells
) -> None:
    """Look whether the manifest describes its export, and names the ledger head of its request."""
    for name, expected in described(made.export, org, org.client.sent_filters(FILTERS)).items():
        async with cells.of(type=made.type, field=name):
            made.recall_manifest()
            expect_named(made.manifest, name, expected)
    async with cells.of(type=made.type, field="generated_at"):
        made.recall_manifest()
        expect_recent(made.manifest, "generated_at")
    async with cells.of(type=made.type, operation="getExport", field="filters"):
        sent = org.client.sent_filters(FILTERS)
        expect_equal(made.export["filters"], sent, "filters of the export")
    async with cells.of(type=made.type, operation="listLedgerEvents", what="manifest_hash"):
        await expect_recorded(org.client, made.manifest, made.export)
    async with cells.of(type=made.type, field="ledger_head"):
        await expect_head_at_request(org.client, made)
        observe(what="ledger heads")


async def expect_head_at_request(client: Client, made: ReadyExport) -> None:
    """Fail unless the ledger head is that of the request, while nothing else is appended.

    The head may be the event of the request itself or the one before it.
    """
    events = await client.ledger_events()
    place = place_of_head(made.manifest, events, client.chain)
    requests = [
        at
        for at, event in enumerate(events, 1)
        if event["target_id"] == made.id and event["event_name"] == "export.requested"
    ]
    expect(
        len(requests) == 1 and place in (requests[0], requests[0] - 1),
        expected=f"ledger head as of the request: event {requests} or the one before it",
        got=f"event {place}",
        rule=WHOLE_LEDGER,
        subject="ledger_head",
    )


async def look_at_instance(
    client: Client, made: ReadyExport, observe: Observations, cells: Cells
) -> None:
    """Look whether this instance shows the same bytes and verifies them and every file."""
    async with cells.of(type=made.type, operation="getManifest", case="at each instance"):
        shown = await stored_manifest(client, made.id)
        what = "bytes of the manifest at every instance"
        expect_equal(shown.sent.body, made.manifest_bytes, what)
    async with cells.of(type=made.type, operation="verifyManifest", case="by its id"):
        answer = await client.call("verifyManifest", json={"export_id": made.id})
        expect_untampered(answer, f"an unchanged {made.type} export, by its id")
        expect_equal(
            sorted(file["name"] for file in objects_in(answer, "files")),
            sorted(file["name"] for file in manifest_files(made.manifest)),
            "names of the files in the answer of verifyManifest",
            rule=VERIFIED,
            subject="files of verifyManifest",
        )
        observe(what="verified by id, at every instance")


async def look_at_canceled(
    org: Organization, exports: list[ReadyExport], observe: Observations, cells: Cells
) -> None:
    """Look whether an export that was canceled verifies, also with a manifest of another one."""
    canceled: list[str] = []
    async with cells.of(operation="cancelExport"):
        export, _ = await canceled_export(org)
        canceled.append(export["id"])
    questions: dict[str, dict[str, object]] = {"by its id": {}}
    for made in exports[:1]:
        questions["with a manifest of another one"] = {"manifest": made.manifest}
    for export_id in canceled:
        for case, question in questions.items():
            async with cells.of(operation="verifyManifest", state="canceled", case=case):
                asked = {"export_id": export_id, **question}
                answer = await org.client.call("verifyManifest", json=asked)
                expect_flags(answer, ALL_FALSE, "an export that was canceled")
                observe(what="verified before it is ready")


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
    rule, subject = "tenancy.foreign-looks-unknown", "verifyManifest"
    for answer in answers:
        detail = "an export of another organization, or an unknown one"
        expect_status(answer, 404, detail=detail, rule=rule, subject=subject)
    what = "number of different error codes for unknown and foreign exports"
    codes = {answer.code for answer in answers}
    expect_equal(len(codes), 1, what, detail=f"{codes}", rule=rule, subject=subject)
