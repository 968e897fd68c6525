"""The files of a manifest against the entries of its ZIP, and both against what was uploaded."""

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
"""Client's names: two alike, one of many scripts, one that is taken in every archive."""


@check(
    "manifest.files-match",
    "A manifest lists each entry of its ZIP with name, size, digest and evidence, and no other",
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
    if Capability.SPAWN not in target.capabilities():
        await expect_filed(org, samples, observe)
        raise Inconclusive("without a system of its own this check cannot let an export wait")
    async with fresh_system(api_instances=1, workers=0) as own:
        # Side by side: the second half spends most of its time waiting for an export to be stuck.
        await together(
            [expect_filed(org, samples, observe), expect_as_of_request(own, target, samples)]
        )
    observe(what="uploads between request and work")


async def expect_filed(org: Organization, samples: Samples, observe: Observations) -> None:
    """Fail unless manifests, archives and uploads agree."""
    job, elsewhere, empty = await together(org.new_job() for _ in range(3))
    files = [replace(samples.new(), file_name=name) for name in NAMES]
    uploaded = await upload_files(org, job, files)
    await upload_files(org, elsewhere, [samples.new()])
    pack, ledger, nothing = await together(
        [make_export(org, job), make_export(org, job, "ledger"), make_export(org, empty)]
    )
    expect_evidence_filed(pack, uploaded)
    observe(len(uploaded), what="uploaded files")
    expect_evidence_filed(nothing, {})
    events = await org.client.ledger_events()
    for made in (pack, ledger, nothing):
        expect_files_match(made.manifest, dict(made.entries))
        expect_ledger_listed(made)
        expect_ledger_file(made.entries["ledger.json"], made.manifest, events)
        observe(what="archives")
    again = unpack(await org.client.download(pack.id))
    expect_equal(again, dict(pack.entries), "the entries of a ZIP that is downloaded again")
    observe(what="downloaded again")


def expect_evidence_filed(made: ReadyExport, uploaded: Mapping[str, tuple[Record, Sample]]) -> None:
    """Fail unless the files of the manifest that are evidence are those of the job, each once."""
    sealed_files = [file for file in manifest_files(made.manifest) if file["evidence_id"]]
    files = {file["evidence_id"]: file for file in sealed_files}
    listed = [file["evidence_id"] for file in sealed_files]
    expect_equal(
        sorted(listed), sorted(uploaded), "the evidence in the manifest, each of the job's once"
    )
    for evidence_id, (evidence, sample) in uploaded.items():
        file = files[evidence_id]
        name = f"{file['name']} of evidence {evidence_id}"
        expect_equal(file["sha256"], sample.sha256, f"the sha256 of {name}")
        expect_equal(file["size"], sample.size, f"the size of {name}")
        expect(
            made.entries.get(file["name"]) == sample.content,
            expected=f"the uploaded bytes in {name}",
            got=f"{len(made.entries.get(file['name'], b''))} other bytes",
        )
        _expect_type(file, evidence["mime_type"])


def _expect_type(file: Record, mime_type: str) -> None:
    """A media type must be the right one; whether `type` is a media type at all is left open."""
    expect(
        file["type"] and ("/" not in file["type"] or file["type"] == mime_type),
        expected=f"the type of {file['name']}, {mime_type} if it is a media type",
        got=repr(file["type"]),
    )


def expect_ledger_listed(made: ReadyExport) -> None:
    """Fail unless the manifest lists `ledger.json` once, and is in the ZIP itself."""
    names = [file["name"] for file in manifest_files(made.manifest)]
    expect_equal(names.count("ledger.json"), 1, f"how often {names} has ledger.json")
    expect(
        "manifest.json" in made.entries,
        expected=f"manifest.json in a {made.export['export_type']} export",
        got=str(sorted(made.entries)),
    )


async def expect_as_of_request(own: OwnSystem, target: Target, samples: Samples) -> None:
    """Fail when an export holds what came after its request, while no worker was there.

    Nor may it hold what another attempt at it would not: where a worker can be made to die after
    it has stored its exports, the next one must come to the same bytes.
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
        made = await read_when_ready(org, export)
        download = await org.client.download(made.id)
        expect(
            first.get(made.id, download.body) == download.body,
            expected=f"the same bytes from every attempt at a {export['export_type']} export",
            got=f"{len(first.get(made.id, b''))} bytes from the first, and {len(download.body)} "
            "others from the second",
        )
        expect_evidence_filed(made, files)
        expect_ledger_file(
            made.entries["ledger.json"], made.manifest, await org.client.ledger_events()
        )
        seq, _ = ledger_head(made.manifest)
        expect(
            seq <= last,
            expected=f"the ledger head as of the request, event {last} at the latest",
            got=f"event {seq}, which came later",
        )
