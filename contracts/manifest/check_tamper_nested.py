"""Tampering with manifests, stored objects and the stored manifest: all must be detected."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from contracts.manifest.manifest_changes import Change, every_change
from contracts.manifest.ready_exports import ReadyExport, make_export, upload_files
from contracts.manifest.rfc8785_examples import FILTERS
from contracts.manifest.stored_manifest import find_stored_manifest
from contracts.manifest.verify_manifest import (
    expect_mismatch,
    expect_mismatch_at,
    expect_only_bad_file,
    expect_untampered,
)
from contracts.shared.exports.manifests import DESCRIBES, FILES_MATCH, manifest_files
from contracts.shared.resources.flags import expect_flags
from contracts.shared.resources.stored_objects import StoredObjects
from harness.asks import leave_out
from harness.check import check
from harness.client import Client, Record, Samples, together
from harness.errors import Inconclusive
from harness.expect import expect, expect_equal, showing
from harness.findings.preconditions import precondition
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target

AT_ONCE = 6

DAMAGED: Mapping[str, bool] = {"manifest_valid": True, "export_match": False, "ledger_match": True}
"""For an export with a damaged object: its manifest and the ledger are unchanged."""

FEWEST = 90 + 3 * 5
"""Changes of a manifest with four files; damages to two pieces of evidence and the ZIP."""


@check(
    "manifest.tamper-nested",
    "Any change of a manifest or object is detected",
    checklist="Verify manifest tampering is detected",
    observes=FEWEST,
    needs={Capability.SPAWN, Capability.DATABASE_CONTROL},
)
async def check_tamper_nested(
    fresh_system: FreshSystem,
    samples: Samples,
    target: Target,
    cover: Coverage,
    observe: Observations,
    cells: Cells,
) -> None:
    """Changes a manifest at every depth, stored objects, and the manifest in the database.

    Each time verifyManifest answers `export_match` false, with a mismatch at the change or a file
    that is not ok, and true again after the object or row is restored.
    Contract: verifyManifest.
    """
    async with fresh_system(api_instances=1, workers=1) as own:
        objects = StoredObjects.of(own.system, target)
        if objects is None:
            raise Inconclusive(
                "the target file has no [storage]: this check cannot find stored objects"
            )
        org = await own.organizations.new("tampered")
        job = await org.new_job()
        uploaded = await upload_files(
            org, job, [samples.new(), samples.new(), samples.new("video/mp4")]
        )
        made = await make_export(org, job)

        with precondition(DESCRIBES):  # what is not there cannot be changed
            what = "filters in the manifest"
            sent = org.client.sent_filters(FILTERS)
            expect_equal(made.manifest.get("filters", {}), sent, what, subject="filters")
        with precondition(FILES_MATCH):
            listed = len(manifest_files(made.manifest))
            expect(
                listed >= len(uploaded),
                expected="the evidence files in the manifest",
                got=f"{listed} of {len(uploaded)} files",
                subject="evidence_id",
            )
        await look_at_changes(org.client, made, cover, observe, cells)
        evidence = [record for record, _ in uploaded.values()][:2]
        await look_at_damages(org.client, made, objects, evidence, cover, observe, cells)
        await look_at_stored_changes(own, org.client, made, target, observe, cells)
        async with cells.of(operation="verifyManifest", case="after every change was undone"):
            answer = await org.client.call("verifyManifest", json={"export_id": made.id})
            expect_untampered(answer, "an export after every change was undone")


async def look_at_changes(
    client: Client, made: ReadyExport, cover: Coverage, observe: Observations, cells: Cells
) -> None:
    """Look whether each change of the manifest is detected where it is."""

    async def look_at(change: Change, *, with_id: bool) -> None:
        async with cells.of(operation="verifyManifest", case=change.what, place=change.place):
            await expect_change_detected(client, made, change, with_id=with_id)
            observe(what="manifests changed")
        cover("manifest tampering", what=change.what, place=change.place)

    await together(
        (
            look_at(change, with_id=bool(number % 2))
            for number, change in enumerate(every_change(made.manifest))
        ),
        at_once=AT_ONCE,
    )


async def look_at_damages(
    client: Client,
    made: ReadyExport,
    objects: StoredObjects,
    evidence: list[Record],
    cover: Coverage,
    observe: Observations,
    cells: Cells,
) -> None:
    """Look whether each damage to a stored object is detected."""
    for damage in damages(objects, made, evidence):
        async with cells.of(
            operation="verifyManifest", case=damage.what, place=f"object of an {damage.kind}"
        ):
            with objects.damaged(damage.storage_path, damage.content):
                await expect_damage_detected(client, made, damage)
            observe(what="objects damaged")
        cover("damaged objects", what=damage.what, of=damage.kind)


async def expect_change_detected(
    client: Client, made: ReadyExport, change: Change, *, with_id: bool
) -> None:
    """Fail when a changed manifest matches, or when no mismatch is at the change."""
    question = {"manifest": change.manifest} | ({"export_id": made.id} if with_id else {})
    answer = await client.call("verifyManifest", json=question)
    if not with_id and change.path == ("export_id",) and answer.is_a(404):
        return  # without its id, no backend can know which export it is of
    what = f"a manifest {change.what} at {change.place}"
    if change.manifest_valid is False and answer.is_a(400, 422):
        return
    flags = {"export_match": False}
    if change.manifest_valid is not None:
        flags["manifest_valid"] = change.manifest_valid
    expect_flags(answer, flags, what)
    expect_mismatch_at(answer, change.path, made.manifest, what)


@dataclass(frozen=True, kw_only=True)
class Damage:
    """A change of one stored object."""

    what: str
    storage_path: object
    content: bytes | None
    """The new content; None removes the object."""
    file_name: str | None
    """The file that must be reported; None for the ZIP, which is not a file of the manifest."""

    @property
    def kind(self) -> str:
        """Which object it is."""
        return "export" if self.file_name is None else "evidence"


def damages(objects: StoredObjects, made: ReadyExport, evidence: list[Record]) -> Iterator[Damage]:
    """Give every damage: to the evidence, and to the ZIP itself."""
    names = {file["evidence_id"]: file["name"] for file in manifest_files(made.manifest)}
    places = [(one["storage_path"], names.get(one["id"])) for one in evidence]
    places.append((made.export["storage_path"], None))
    other = objects.read(evidence[1]["storage_path"])
    for storage_path, file_name in places:
        whole = objects.read(storage_path)
        half = len(whole) // 2
        contents: dict[str, bytes | None] = {
            "with one bit changed": whole[:half] + bytes([whole[half] ^ 1]) + whole[half + 1 :],
            "cut short": whole[:-1],
            "extended": whole + b"\0",
            "emptied": b"",
            "removed": None,
            "replaced by another file": other,
        }
        for what, content in contents.items():
            if content != whole:
                yield Damage(
                    what=what, storage_path=storage_path, content=content, file_name=file_name
                )


async def expect_damage_detected(client: Client, made: ReadyExport, damage: Damage) -> None:
    """Fail unless a damaged object is detected and its file reported, by id and by manifest."""
    questions: dict[str, object] = {"export_id": made.id, "manifest": made.manifest}
    if client.without.parameter("manifest", "verifyManifest"):
        leave_out("verifyManifest.manifest")
        del questions["manifest"]
    for name, value in questions.items():
        answer = await client.call("verifyManifest", json={name: value})
        what = f"an export with an {damage.kind} object {damage.what}, asked by {name}"
        expect_flags(answer, DAMAGED, what)
        expect_mismatch(answer, what)
        if damage.file_name is not None and not answer.data.lacks("files"):
            expect_only_bad_file(answer, damage.file_name, what)


async def look_at_stored_changes(
    own: OwnSystem,
    client: Client,
    made: ReadyExport,
    target: Target,
    observe: Observations,
    cells: Cells,
) -> None:
    """Look whether a change of the manifest or its hash in the database is detected."""
    table = target.claim.table if target.claim else "exports"
    digest = made.export["manifest_hash"]
    columns = await find_stored_manifest(own.control_database, table, made.id, digest)
    entry = manifest_files(made.manifest)[0]["sha256"]
    for name, old in (("manifest", entry), ("manifest_hash", digest)):
        if name not in columns:
            continue
        async with (
            cells.of(operation="verifyManifest", case="changed in the database", field=name),
            columns[name].replaced(old, old[::-1]) as change,
        ):
            with showing(change):
                answer = await client.call("verifyManifest", json={"export_id": made.id})
                what = f"an export whose stored {name} was changed in the database"
                expect_flags(answer, {"export_match": False}, what)
                expect_mismatch(answer, what)
            observe(what=f"stored {name} changed")
