"""Manifests that a client submits, which verifyManifest compares with the stored ones."""

import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from contracts.manifest.ready_exports import ReadyExport, make_export, upload_files
from contracts.manifest.rfc8785_examples import SERIALIZATIONS
from contracts.manifest.verify_manifest import (
    expect_mismatch,
    expect_untampered,
    verify_text,
)
from contracts.shared.resources.flags import expect_flags
from harness.check import check
from harness.client import Answer, Client, Organization, Record, Samples, together
from harness.expect import expect_status
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations

Manifest = dict[str, Any]

SHAPES: dict[str, Callable[[Manifest], Manifest]] = {
    "empty": lambda _: {},
    "only its export_id": lambda manifest: {"export_id": manifest["export_id"]},
    "without files": lambda manifest: {k: v for k, v in manifest.items() if k != "files"},
    "files as an object": lambda manifest: {**manifest, "files": {}},
    "files of numbers": lambda manifest: {**manifest, "files": [1]},
    "filters as a list": lambda manifest: {**manifest, "filters": []},
    "no ledger head": lambda manifest: {**manifest, "ledger_head": None},
    "a number for an id": lambda manifest: {**manifest, "export_id": 1},
}
"""Objects that are not well-formed manifests."""

MALFORMED = (
    "",
    "nonsense",
    "[]",
    "{}",
    '{"manifest": []}',
    '{"manifest": "text"}',
    '{"manifest": null}',
    '{"export_id": 1}',
    '{"export_id": null}',
)
"""Bodies that the route refuses."""

OTHERS = 6

NOTHING = {"manifest_valid": False, "export_match": False, "ledger_match": False}
NO_MATCH = {"export_match": False, "ledger_match": False}


@check(
    "manifest.submitted",
    "A submitted manifest is judged by its content",
    checklist="Verify manifest integrity",
    observes=2 + 2 * len(SERIALIZATIONS) + OTHERS + len(SHAPES) + len(MALFORMED),
)
async def check_submitted(
    org: Organization,
    other_org: Organization,
    samples: Samples,
    cover: Coverage,
    observe: Observations,
    cells: Cells,
) -> None:
    """Submits manifests to verifyManifest: as stored, in other serializations, and wrong ones.

    The same document matches in any serialization, with and without `export_id`. Manifests of
    other exports or organizations do not match, objects that are no manifest are invalid, and
    malformed bodies are refused.
    Contract: verifyManifest.
    """
    job = await org.new_job(may_hold_more=True)
    await upload_files(org, job, [samples.new()])
    made: dict[str, ReadyExport] = {}

    async def make(which: str, owner: Organization, job: Record, export_type: str) -> None:
        async with cells.of(type=export_type, case=f"a ready export: {which}"):
            made[which] = await make_export(owner, job, export_type)

    other_job = await other_org.new_job(may_hold_more=True)
    await together(
        [
            make("the one", org, job, "proof-pack"),
            make("another one", org, job, "ledger"),
            make("another organization's", other_org, other_job, "proof-pack"),
        ]
    )
    for one in [made[which] for which in made if which == "the one"]:
        await look_at_serializations(org.client, one, cover, observe, cells)
        for case, asking in others(org, other_org, made).items():
            async with cells.of(operation="verifyManifest", case=case):
                await asking()
                observe(what="other manifests")
        for name, shape in SHAPES.items():
            async with cells.of(operation="verifyManifest", case=f"no manifest: {name}"):
                text = json.dumps(shape(one.manifest))
                expect_no_manifest(await verify_text(org.client, text, one.id), name)
                observe(what="shapes that are no manifest")
    for body in MALFORMED:
        async with cells.of(operation="verifyManifest", case=f"the body {body}".strip()):
            sent = {"content-type": "application/json"}
            answer = await org.client.call("verifyManifest", content=body.encode(), headers=sent)
            expect_status(answer, 400, 415, 422, detail=f"the body {body!r}")
            observe(what="malformed bodies")


async def look_at_serializations(
    client: Client, made: ReadyExport, cover: Coverage, observe: Observations, cells: Cells
) -> None:
    """Look whether a manifest verifies in every serialization, with and without `export_id`."""
    ids: tuple[str | None, ...] = (made.id, None)
    for export_id in ids:
        asked = "with export_id" if export_id else "without export_id"
        async with cells.of(operation="verifyManifest", case=f"the stored bytes, {asked}"):
            text = made.manifest_bytes.decode()
            expect_untampered(await verify_text(client, text, export_id), "the stored bytes")
            observe(what="sent as they are")
        for name, spell in SERIALIZATIONS.items():
            async with cells.of(operation="verifyManifest", case=f"{name}, {asked}"):
                answer = await verify_text(client, spell(made.manifest), export_id)
                expect_untampered(answer, f"the same manifest, {name}")
                observe(what="serialized otherwise")
            cover("submitted manifests", sent=name, export_id=str(export_id is not None))


def others(
    org: Organization, stranger: Organization, made: Mapping[str, ReadyExport]
) -> dict[str, Callable[[], Awaitable[None]]]:
    """Give the questions about manifests that match no export of the caller, by their name."""
    one = made["the one"]
    absent = {**one.manifest, "export_id": str(uuid.uuid4())}
    claimed = {**one.manifest, "organization_id": stranger.id}
    ours, theirs = org.client, stranger.client
    questions: dict[str, Callable[[], Awaitable[None]]] = {
        "another organization sends it": partial(expect_no_match, theirs, one.manifest, NOTHING),
        "a manifest of no export": partial(expect_no_match, ours, absent, NO_MATCH),
        "another organization sends it as its own": partial(
            expect_no_match, theirs, claimed, NO_MATCH
        ),
    }
    if another := made.get("another one"):
        valid = {"manifest_valid": True, "export_match": False}
        questions["the manifest of another export"] = partial(
            expect_mismatched, ours, another.manifest, one.id, valid
        )
    if foreign := made.get("another organization's"):
        invalid = {"manifest_valid": False, "export_match": False}
        questions["the manifest of another organization"] = partial(
            expect_mismatched, ours, foreign.manifest, one.id, invalid
        )
        questions["another organization's manifest, without export_id"] = partial(
            expect_no_match, ours, foreign.manifest, NOTHING
        )
    return questions


async def expect_mismatched(
    client: Client, manifest: Record, export_id: str, flags: Mapping[str, bool]
) -> None:
    """Fail when an export matches a manifest that is not its own."""
    answer = await verify_text(client, json.dumps(manifest), export_id)
    expect_flags(answer, flags, "a manifest that is not the export's")
    expect_mismatch(answer, "a manifest that is not the export's")


async def expect_no_match(
    client: Client, manifest: Mapping[str, Any], flags: Mapping[str, bool]
) -> None:
    """Fail when a manifest matches that is of no export of the caller (404 is right, too)."""
    answer = await verify_text(client, json.dumps(manifest))
    if not answer.is_a(404):
        expect_flags(answer, flags, "a manifest of no export of the caller")


def expect_no_manifest(answer: Answer, what: str) -> None:
    """Fail unless an object that is no manifest is invalid, or refused."""
    if not answer.is_a(400, 422):
        invalid = {"manifest_valid": False, "export_match": False}
        expect_flags(answer, invalid, f"an object that is no manifest ({what})")
