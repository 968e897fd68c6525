"""The other half of the tamper drill: manifests, stored objects, and what is stored of both."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from contracts.manifest.manifest_changes import Change, every_change
from contracts.manifest.ready_exports import ReadyExport, make_export, upload_files
from contracts.manifest.rfc8785_examples import FILTERS
from contracts.manifest.stored_manifest import StoredManifest
from contracts.manifest.verify_manifest import (
    expect_flags,
    expect_mismatch,
    expect_mismatch_at,
    expect_only_bad_file,
    expect_untampered,
)
from contracts.shared.exports.manifests import manifest_files
from contracts.shared.resources.stored_objects import StoredObjects
from harness.check import check
from harness.client import Client, Record, Samples, together
from harness.errors import Inconclusive
from harness.expect import expect
from harness.plugin.coverage import Coverage
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target

AT_ONCE = 6

DAMAGED: Mapping[str, bool] = {"manifest_valid": True, "export_match": False, "ledger_match": True}
"""Of an export of which an object is not what it was: manifest and ledger still are."""

FEWEST = 90 + 3 * 5
"""Changes of a manifest with four files; damages to two pieces of evidence and the ZIP."""


@check(
    "manifest.tamper-nested",
    "A change of a manifest at any depth, or of any stored object, is seen and named",
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
) -> None:
    async with fresh_system(api_instances=1, workers=1) as own:
        objects = StoredObjects.of(own.system, target)
        if objects is None:
            raise Inconclusive("the target file has no [storage] that tells where objects are")
        org = await own.organizations.new("tampered")
        job = await org.new_job()
        uploaded = await upload_files(
            org, job, [samples.new(), samples.new(), samples.new("video/mp4")]
        )
        made = await make_export(org, job)

        expect(
            len(manifest_files(made.manifest)) > len(uploaded)
            and made.manifest["filters"] == FILTERS,
            expected=f"the filters, {len(uploaded)} files and the ledger in the manifest",
            got=repr(made.manifest),
        )
        changes = list(every_change(made.manifest))
        await together(
            (
                expect_change_seen(org.client, made, change, with_id=bool(number % 2))
                for number, change in enumerate(changes)
            ),
            at_once=AT_ONCE,
        )
        for change in changes:
            cover("manifest tampering", what=change.what, place=change.place)
            observe(what="manifests changed")

        evidence = [record for record, _ in uploaded.values()][:2]
        for damage in damages(objects, made, evidence):
            with objects.damaged(damage.storage_path, damage.content):
                await expect_damage_seen(org.client, made, damage)
            cover("damaged objects", what=damage.what, of=damage.kind)
            observe(what="objects damaged")
        await expect_spoiling_seen(own, org.client, made, target, observe)
        answer = await org.client.call("verifyManifest", json={"export_id": made.id})
        expect_untampered(answer, "an export after everything was put right again")


async def expect_change_seen(
    client: Client, made: ReadyExport, change: Change, *, with_id: bool
) -> None:
    """Fail when a changed manifest still matches, or when nothing says where it was changed."""
    question = {"manifest": change.manifest} | ({"export_id": made.id} if with_id else {})
    answer = await client.call("verifyManifest", json=question)
    if not with_id and change.path == ("export_id",) and answer.status == 404:
        return  # of which export it was once nobody can know
    what = f"a manifest {change.what} at {change.place}"
    if change.manifest_valid is False and answer.status in {400, 422}:
        return
    flags = {"export_match": False}
    if change.manifest_valid is not None:
        flags["manifest_valid"] = change.manifest_valid
    expect_flags(answer, flags, what)
    expect_mismatch_at(answer, change.path, made.manifest, what)


@dataclass(frozen=True, kw_only=True)
class Damage:
    """What becomes of one stored object."""

    what: str
    kind: str
    storage_path: object
    content: bytes | None
    """None: it is gone."""
    file_name: str | None
    """The file of the manifest that must be named; None for the ZIP, which is none of them."""


def damages(objects: StoredObjects, made: ReadyExport, evidence: list[Record]) -> Iterator[Damage]:
    """Give all the damage that is done: to evidence, and to the ZIP itself."""
    names = {file["evidence_id"]: file["name"] for file in manifest_files(made.manifest)}
    places = [(one["storage_path"], names.get(one["id"])) for one in evidence]
    places.append((made.export["storage_path"], None))
    other = objects.read(evidence[1]["storage_path"])
    for storage_path, file_name in places:
        whole = objects.read(storage_path)
        half = len(whole) // 2
        spoiled: dict[str, bytes | None] = {
            "one bit": whole[:half] + bytes([whole[half] ^ 1]) + whole[half + 1 :],
            "cut short": whole[:-1],
            "grown": whole + b"\0",
            "emptied": b"",
            "gone": None,
            "another file's": other,
        }
        for what, content in spoiled.items():
            if content != whole:
                kind = "export" if file_name is None else "evidence"
                yield Damage(
                    what=what,
                    kind=kind,
                    storage_path=storage_path,
                    content=content,
                    file_name=file_name,
                )


async def expect_damage_seen(client: Client, made: ReadyExport, damage: Damage) -> None:
    """Fail unless a damaged object is seen, and its file named, however one asks."""
    questions = {"export_id": made.id, "manifest": made.manifest}
    for name, value in questions.items():
        answer = await client.call("verifyManifest", json={name: value})
        what = f"an export with its {damage.kind} object {damage.what}, asked by {name}"
        expect_flags(answer, DAMAGED, what)
        expect_mismatch(answer, what)
        if damage.file_name is not None:
            expect_only_bad_file(answer, damage.file_name, what)


async def expect_spoiling_seen(
    own: OwnSystem, client: Client, made: ReadyExport, target: Target, observe: Observations
) -> None:
    """Fail when what the database holds of a manifest can be changed unseen, entry or hash."""
    table = target.claim.table if target.claim else "exports"
    digest = made.export["manifest_hash"]
    columns = await StoredManifest.find(own.control_database, table, made.id, digest)
    entry = manifest_files(made.manifest)[0]["sha256"]
    for name, old in (("manifest", entry), ("manifest_hash", digest)):
        if name not in columns:
            continue
        async with columns[name].replaced(old, old[::-1]):
            answer = await client.call("verifyManifest", json={"export_id": made.id})
            what = f"an export whose stored {name} was changed in the database"
            expect_flags(answer, {"export_match": False}, what)
            expect_mismatch(answer, what)
        observe(what=f"stored {name} changed")
