"""The files of a manifest, the entries of its ZIP, and the uploaded files: all the same."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from functools import partial

from contracts.manifest.crash_after_store import can_crash_after_store, crash_after_store
from contracts.manifest.listed_files import expect_listed_as_uploaded, listed_evidence
from contracts.manifest.ready_exports import ReadyExport, make_export, read_when_ready, upload_files
from contracts.shared.exports.archive import unpack
from contracts.shared.exports.manifests import (
    FILES_MATCH,
    expect_files_match,
    manifest_files,
    place_of_head,
)
from contracts.shared.ledger.ledger_file import WHOLE_LEDGER, expect_ledger_file
from contracts.shared.resources.stored_objects import StoredObjects
from harness.check import check
from harness.client import Organization, Record, Sample, Samples, together
from harness.errors import Inconclusive
from harness.expect import expect, expect_equal
from harness.findings.preconditions import as_subject
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target
from harness.target.tables.ledger import CONTRACT_CHAIN, ChainShape
from harness.vocabulary.exports import LEDGER, PROOF_PACK

CellOf = Callable[..., AbstractAsyncContextManager[None]]

NAMES = ("plan.png", "plan.png", "größe 图 🙂.png", "no-extension", "a.b.tar.gz", "manifest.json")
"""File names of uploads: two the same, one in several scripts, one that each ZIP has already."""

MANY = 60
"""Files of one job: more than a page of a list holds."""


@check(
    "manifest.files-match",
    "A manifest lists exactly the files of its ZIP",
    checklist="Verify export contents against the manifest",
    needs={Capability.ORGANIZATIONS},
    observes=len(NAMES) + 5 + 1,
)
async def check_files_match(
    org: Organization,
    samples: Samples,
    target: Target,
    fresh_system: FreshSystem,
    observe: Observations,
    cells: Cells,
) -> None:
    """Uploads files with difficult names and compares them with manifests and ZIPs of exports.

    A manifest lists each entry of its ZIP but itself once, with name, size, SHA-256 and evidence.
    An export holds evidence and ledger as of its request, also when it had to wait for a
    worker; a second attempt makes the same bytes.
    Contract: "The object's bytes are a function of the export alone", and "all evidence of its job,
    however many files".
    """
    if Capability.SPAWN not in target.capabilities():
        await look_at_files(org, samples, observe, cells)
        raise Inconclusive(
            "without the capability spawn this check cannot make an export wait for a worker"
        )
    async with fresh_system(api_instances=1, workers=0) as own:
        # Concurrently: the second one mostly waits for the stuck timeout.
        await together(
            [
                look_at_files(org, samples, observe, cells),
                look_as_of_request(own, target, samples, cells),
            ]
        )
    observe(what="uploads between request and work")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """An export that is to be made, and the evidence that it must list."""

    case: str
    job: Record
    type: str = "proof-pack"
    uploaded: Mapping[str, tuple[Record, Sample]] | None = None
    """Evidence and file by the id of the evidence; None where it is not judged."""


async def look_at_files(
    org: Organization, samples: Samples, observe: Observations, cells: Cells
) -> None:
    """Look whether manifests, ZIPs and uploads agree."""
    job, elsewhere, empty = await together(org.new_job() for _ in range(3))
    files = [replace(samples.new(), file_name=name) for name in NAMES]
    uploaded = await upload_files(org, job, files)
    await upload_files(org, elsewhere, [samples.new()])
    made: dict[str, ReadyExport] = {}

    async def make(wanted: Wanted) -> None:
        async with cells.of(type=wanted.type, case=wanted.case):
            made[wanted.case] = await make_export(org, wanted.job, wanted.type)

    everything = [
        Wanted(case="a job with files", job=job, uploaded=uploaded),
        Wanted(case="a ledger", job=job, type=LEDGER),
        Wanted(case="a job without files", job=empty, uploaded={}),
    ]
    everything = [each for each in everything if each.type in org.client.export_types]
    await together(map(make, everything))
    events = await org.client.ledger_events()
    for wanted in everything:
        if wanted.case not in made:
            continue
        export, cell = made[wanted.case], partial(cells.of, type=wanted.type, case=wanted.case)
        if wanted.uploaded is not None:
            await look_at_evidence(export, wanted, cells)
            observe(len(wanted.uploaded), what="uploaded files")
        await look_at_entries(export, events, org.client.chain, cell)
        observe(what="archives")
    for pack in [made[case] for case in made if case == everything[0].case]:
        async with cells.of(type=pack.type, case="downloaded again"):
            again = unpack(await org.client.download(pack.id))
            expect_equal(again, dict(pack.entries), "entries of a ZIP that is downloaded again")
            observe(what="downloaded again")
    await look_at_many_files(org, samples, observe, cells)


async def look_at_many_files(
    org: Organization, samples: Samples, observe: Observations, cells: Cells
) -> None:
    """Look whether an export holds all files of its job: more than a page, or a habit, of them."""
    if PROOF_PACK not in org.client.export_types:
        return
    async with cells.of(type=PROOF_PACK, case="a job with many files"):
        job = await org.new_job()
        made = await together(
            (org.client.new_evidence(job["id"], samples.new()) for _ in range(MANY)), at_once=8
        )
        export = await make_export(org, job)
        export.recall_manifest()
        what = f"ids of evidence in the manifest of a job with {MANY} files, each once"
        listed = sorted(listed_evidence(export.manifest))
        expect_equal(listed, sorted(str(each["id"]) for each in made), what, rule=FILES_MATCH)
        expect_files_match(export.manifest, dict(export.entries))
        observe(what="a job with many files")


async def look_at_evidence(export: ReadyExport, wanted: Wanted, cells: Cells) -> None:
    """Look whether the manifest lists the evidence of the job, each once, as it was uploaded."""
    uploaded = wanted.uploaded or {}
    where = {"type": wanted.type, "case": wanted.case}
    listed: dict[str, Record] = {}
    async with cells.of(**where, field="evidence_id"):
        export.recall_manifest()
        files = listed_evidence(export.manifest)
        what = "ids of evidence in the manifest: those of the job, each once"
        expect_equal(sorted(files), sorted(uploaded), what, rule=FILES_MATCH)
        listed = files
    for evidence_id, file in listed.items():
        evidence, sample = uploaded[evidence_id]
        async with cells.of(**where, file=sample.file_name):
            export.recall_manifest()
            expect_listed_as_uploaded(file, evidence, sample, export.entries)


async def look_at_entries(
    export: ReadyExport, events: list[Record], shape: ChainShape, cell: CellOf
) -> None:
    """Look whether the manifest lists what the ZIP holds, and the ledger's file is the ledger."""
    async with cell(what="files listed and in the ZIP"):
        export.recall_manifest()
        expect_files_match(export.manifest, dict(export.entries))
    async with cell(what="ledger.json listed"):
        export.recall_manifest()
        export.entries.needs_ledger_file()
        names = [file["name"] for file in manifest_files(export.manifest)]
        what = f"number of times ledger.json is listed among {names}"
        expect_equal(names.count("ledger.json"), 1, what, rule=FILES_MATCH, subject="ledger.json")
    async with cell(what="manifest.json in the ZIP"):
        export.recall_download()
        expect(
            "manifest.json" in export.entries,
            expected=f"manifest.json in a {export.type} export",
            got=str(sorted(export.entries)),
            rule=FILES_MATCH,
            subject="manifest.json",
        )
    async with cell(what="ledger.json in the ZIP"):
        export.recall_download()
        expect_ledger_of(export, events, shape)


def expect_ledger_of(
    export: ReadyExport, events: list[Record], shape: ChainShape = CONTRACT_CHAIN
) -> None:
    """Fail unless the export's `ledger.json` is the organization's chain."""
    export.entries.needs_ledger_file()
    expect(
        "ledger.json" in export.entries,
        expected=f"ledger.json in a {export.type} export",
        got=str(sorted(export.entries)),
        rule=WHOLE_LEDGER,
        subject="ledger.json",
    )
    expect_ledger_file(export.entries["ledger.json"], export.manifest, events, shape=shape)


async def look_as_of_request(
    own: OwnSystem, target: Target, samples: Samples, cells: Cells
) -> None:
    """Look whether an export holds what was uploaded after its request, while no worker ran.

    Where a worker can be killed after it has stored its exports, the next attempt must make the
    same bytes.
    """
    org = await own.organizations.new("early")
    job = await org.new_job()
    before = await upload_files(org, job, [samples.new()])
    types = org.client.export_types
    requested = {kind: await org.client.new_export(job["id"], kind) for kind in types}
    last = len(await org.client.ledger_events())
    await upload_files(org, job, [samples.new()])
    objects = StoredObjects.of(own.system, target)
    first: Mapping[str, bytes] | None = None
    if objects is not None and can_crash_after_store(target):
        ids = [str(export["id"]) for export in requested.values()]
        first = await crash_after_store(own, target, objects, ids)
    await own.system.start("worker")
    for kind, export in requested.items():
        made: list[ReadyExport] = []
        cell = partial(cells.of, type=kind, case="files uploaded after the request")
        async with cell(what="it becomes ready"):
            if first is None:
                made.append(await read_when_ready(org, export["id"]))
            else:  # its worker was killed: that it ends nevertheless is what is looked at
                with as_subject():
                    made.append(await read_when_ready(org, export["id"]))
        for ready in made:
            if first is not None:
                async with cell(what="bytes of a second attempt"):
                    expect_same_bytes(first[ready.id], ready)
            wanted = before if kind == "proof-pack" else {}
            async with cell(field="evidence_id"):
                ready.recall_manifest()
                what = "ids of evidence in the manifest: those of the request's time, each once"
                got = sorted(listed_evidence(ready.manifest))
                expect_equal(got, sorted(wanted), what, rule=FILES_MATCH)
            async with cell(what="ledger.json in the ZIP"):
                ready.recall_download()
                expect_ledger_of(ready, await org.client.ledger_events(), org.client.chain)
            async with cell(field="ledger_head"):
                ready.recall_manifest()
                events = await org.client.ledger_events()
                place = place_of_head(ready.manifest, events, org.client.chain)
                expect(
                    place <= last,
                    expected=f"ledger head as of the request: event {last} or an earlier one",
                    got=f"event {place}, which is newer than the request",
                    rule=WHOLE_LEDGER,
                    subject="ledger_head",
                )


def expect_same_bytes(first: bytes, ready: ReadyExport) -> None:
    """Fail unless a second attempt made the bytes of the first one, whose worker was killed."""
    second = ready.downloaded.body
    at = next(
        (n for n, pair in enumerate(zip(first, second, strict=False)) if pair[0] != pair[1]), 0
    )
    expect(
        first == second,
        expected=f"the same bytes from every attempt at a {ready.type} export",
        got=f"{len(first)} bytes from the first attempt and {len(second)} other bytes from the "
        f"second, different from byte {at} on",
        rule="export.same-bytes",
    )
