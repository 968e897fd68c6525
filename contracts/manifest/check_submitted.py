"""Manifests that a client submits, which verifyManifest compares with the stored ones."""

import json
import uuid
from collections.abc import Callable
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
from harness.client import Answer, Organization, Samples, together
from harness.expect import expect_status
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
) -> None:
    """Submits manifests to verifyManifest: as stored, in other serializations, and wrong ones.

    The same document matches in any serialization, with and without `export_id`. Manifests of
    other exports or organizations do not match, objects that are no manifest are invalid, and
    malformed bodies are refused.
    Contract: verifyManifest.
    """
    job = await org.new_job(may_hold_more=True)
    await upload_files(org, job, [samples.new()])
    made, another, foreign = await together(
        [
            make_export(org, job),
            make_export(org, job, "ledger"),
            make_export(other_org, await other_org.new_job(may_hold_more=True)),
        ]
    )
    ids: tuple[str | None, ...] = (made.id, None)
    for export_id in ids:
        text = made.manifest_bytes.decode()
        expect_untampered(await verify_text(org.client, text, export_id), "the stored bytes")
        observe(what="sent as they are")
        for name, spell in SERIALIZATIONS.items():
            answer = await verify_text(org.client, spell(made.manifest), export_id)
            expect_untampered(answer, f"the same manifest, {name}")
            cover("submitted manifests", sent=name, export_id=str(export_id is not None))
            observe(what="serialized otherwise")
    await expect_others_do_not_match(org, made, another, foreign)
    await expect_foreign_do_not_match(org, other_org, made, foreign)
    observe(OTHERS, what="other manifests")
    for name, shape in SHAPES.items():
        text = json.dumps(shape(made.manifest))
        expect_no_manifest(await verify_text(org.client, text, made.id), name)
        observe(what="shapes that are no manifest")
    for body in MALFORMED:
        answer = await org.client.call(
            "verifyManifest", content=body.encode(), headers={"content-type": "application/json"}
        )
        expect_status(answer, 400, 415, 422, detail=f"the body {body!r}")
        observe(what="malformed bodies")


async def expect_others_do_not_match(
    org: Organization, made: ReadyExport, another: ReadyExport, foreign: ReadyExport
) -> None:
    """Fail when an export matches the manifest of another export."""
    answer = await verify_text(org.client, json.dumps(another.manifest), made.id)
    what = "the manifest of another export"
    expect_flags(answer, {"manifest_valid": True, "export_match": False}, what)
    expect_mismatch(answer, what)
    answer = await verify_text(org.client, json.dumps(foreign.manifest), made.id)
    what = "the manifest of another organization"
    expect_flags(answer, {"manifest_valid": False, "export_match": False}, what)
    expect_mismatch(answer, what)


async def expect_foreign_do_not_match(
    org: Organization, stranger: Organization, made: ReadyExport, foreign: ReadyExport
) -> None:
    """Fail when a manifest matches that is of no export of the caller (404 is right, too)."""
    nothing = {"manifest_valid": False, "export_match": False, "ledger_match": False}
    no_match = {"export_match": False, "ledger_match": False}
    absent = {**made.manifest, "export_id": str(uuid.uuid4())}
    claimed = {**made.manifest, "organization_id": stranger.id}
    for client, manifest, flags, what in (
        (org.client, foreign.manifest, nothing, "another organization's manifest"),
        (stranger.client, made.manifest, nothing, "another organization's manifest"),
        (org.client, absent, no_match, "a manifest of no export"),
        (
            stranger.client,
            claimed,
            no_match,
            "another organization's manifest with the caller's organization_id",
        ),
    ):
        answer = await verify_text(client, json.dumps(manifest))
        if answer.status != 404:
            expect_flags(answer, flags, what)


def expect_no_manifest(answer: Answer, what: str) -> None:
    """Fail unless an object that is no manifest is invalid, or refused."""
    if answer.status not in {400, 422}:
        invalid = {"manifest_valid": False, "export_match": False}
        expect_flags(answer, invalid, f"an object that is no manifest ({what})")
