"""The files of a manifest, the entries of its ZIP, and the uploaded files: all the same."""

from collections.abc import Mapping
from dataclasses import replace

from contracts.manifest.crash_after_store import can_crash_after_store, crash_after_store
from contracts.manifest.ready_exports import ReadyExport, make_export, read_when_ready, upload_files
from contracts.shared.exports.archive import unpack
from contracts.shared.exports.manifests import expect_files_match, ledger_head, manifest_files
from contracts.shared.ledger.ledger_file import expect_ledger_file
from contracts.shared.resources.stored_objects import StoredObjects
from harness.check import check
from harness.client import Organization, Record, Sample, Samples, together
from harness.errors import Inconclusive
from harness.expect import expect, expect_equal
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target

NAMES = ("plan.png", "plan.png", "größe 图 🙂.png", "no-extension", "a.b.tar.gz", "manifest.json")
"""File names of uploads: two the same, one in several scripts, one that each ZIP has already."""


@check(
    "manifest.files-match",
    "A manifest lists exactly the files of its ZIP",
    checklist="Verify export contents against the manifest",
    needs={Capability.ORGANIZATIONS},
    observes=len(NAMES) + 4 + 1,
)
async def check_files_match(
    org: Organization,
    samples: Samples,
    target: Target,
    fresh_system: FreshSystem,
    observe: Observations,
) -> None:
    """Uploads files with difficult names and compares them with manifests and ZIPs of exports.

    A manifest lists each entry of its ZIP but itself once, with name, size, SHA-256 and evidence.
    An export holds evidence and ledger as of its request, also when it had to wait for a
    worker; a second attempt makes the same bytes.
    Contract: "The object's bytes are a function of the export alone".
    """
    if Capability.SPAWN not in target.capabilities():
        await expect_same_files(org, samples, observe)
        raise Inconclusive(
            "without the capability spawn this check cannot make an export wait for a worker"
        )
    async with fresh_system(api_instances=1, workers=0) as own:
        # Concurrently: the second one mostly waits for the stuck timeout.
        await together(
            [
                expect_same_files(org, samples, observe),
                expect_as_of_request(own, target, samples),
            ]
        )
    observe(what="uploads between request and work")


async def expect_same_files(org: Organization, samples: Samples, observe: Observations) -> None:
    """Fail unless manifests, ZIPs and uploads agree."""
    job, elsewhere, empty = await together(org.new_job() for _ in range(3))
    files = [replace(samples.new(), file_name=name) for name in NAMES]
    uploaded = await upload_files(org, job, files)
    await upload_files(org, elsewhere, [samples.new()])
    pack, ledger, nothing = await together(
        [make_export(org, job), make_export(org, job, "ledger"), make_export(org, empty)]
    )
    expect_evidence(pack, uploaded)
    observe(len(uploaded), what="uploaded files")
    expect_evidence(nothing, {})
    events = await org.client.ledger_events()
    for made in (pack, ledger, nothing):
        expect_files_match(made.manifest, dict(made.entries))
        expect_ledger_listed(made)
        expect_ledger_file(made.entries["ledger.json"], made.manifest, events)
        observe(what="archives")
    again = unpack(await org.client.download(pack.id))
    expect_equal(again, dict(pack.entries), "entries of a ZIP that is downloaded again")
    observe(what="downloaded again")


def expect_evidence(made: ReadyExport, uploaded: Mapping[str, tuple[Record, Sample]]) -> None:
    """Fail unless the manifest lists the evidence of the job, each once, as it was uploaded."""
    sealed_files = [file for file in manifest_files(made.manifest) if file["evidence_id"]]
    files = {file["evidence_id"]: file for file in sealed_files}
    listed = [file["evidence_id"] for file in sealed_files]
    expect_equal(
        sorted(listed),
        sorted(uploaded),
        "ids of evidence in the manifest: those of the job, each once",
    )
    for evidence_id, (evidence, sample) in uploaded.items():
        file = files[evidence_id]
        name = f"{file['name']} of evidence {evidence_id}"
        expect_equal(file["sha256"], sample.sha256, f"sha256 of {name}")
        expect_equal(file["size"], sample.size, f"size of {name}")
        expect(
            made.entries.get(file["name"]) == sample.content,
            expected=f"the {sample.size} uploaded bytes in {name}",
            got=f"{len(made.entries.get(file['name'], b''))} other bytes",
        )
        _expect_type(file, evidence["mime_type"])


def _expect_type(file: Record, mime_type: str) -> None:
    """Fail when `type` is a wrong media type. The contract does not say that it must be one."""
    expect(
        file["type"] and ("/" not in file["type"] or file["type"] == mime_type),
        expected=f"type of {file['name']}: {mime_type}, or no media type",
        got=repr(file["type"]),
    )


def expect_ledger_listed(made: ReadyExport) -> None:
    """Fail unless the manifest lists `ledger.json` once, and is in the ZIP itself."""
    names = [file["name"] for file in manifest_files(made.manifest)]
    expect_equal(
        names.count("ledger.json"), 1, f"number of times ledger.json is listed among {names}"
    )
    expect(
        "manifest.json" in made.entries,
        expected=f"manifest.json in a {made.export['export_type']} export",
        got=str(sorted(made.entries)),
    )


async def expect_as_of_request(own: OwnSystem, target: Target, samples: Samples) -> None:
    """Fail when an export holds what was uploaded after its request, while no worker ran.

    Where a worker can be killed after it has stored its exports, the next attempt must make the
    same bytes.
    """
    org = await own.organizations.new("early")
    job = await org.new_job()
    before = await upload_files(org, job, [samples.new()])
    requested = [await org.client.new_export(job["id"], kind) for kind in ("proof-pack", "ledger")]
    last = max(event["ledger_seq"] for event in await org.client.ledger_events())
    await upload_files(org, job, [samples.new()])
    objects = StoredObjects.of(own.system, target)
    first: Mapping[str, bytes] = {}
    if objects is not None and can_crash_after_store(target):
        ids = [str(export["id"]) for export in requested]
        first = await crash_after_store(own, target, objects, ids)
    await own.system.start("worker")
    for export, files in zip(requested, (before, {}), strict=True):
        made = await read_when_ready(org, export["id"])
        download = await org.client.download(made.id)
        expect(
            first.get(made.id, download.body) == download.body,
            expected=f"the same bytes from every attempt at a {export['export_type']} export",
            got=f"{len(first.get(made.id, b''))} bytes from the first attempt and "
            f"{len(download.body)} other bytes from the second",
        )
        expect_evidence(made, files)
        expect_ledger_file(
            made.entries["ledger.json"], made.manifest, await org.client.ledger_events()
        )
        seq, _ = ledger_head(made.manifest)
        expect(
            seq <= last,
            expected=f"ledger head as of the request: event {last} or an earlier one",
            got=f"event {seq}, which is newer than the request",
        )
