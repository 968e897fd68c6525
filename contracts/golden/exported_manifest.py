"""The manifest of a ready export against everything that it describes, cell by cell."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from contracts.golden.new_resources import expect_json
from contracts.shared.exports.archive import unpack
from contracts.shared.exports.manifests import (
    FILES_MATCH,
    HASHED,
    described,
    expect_files_match,
    expect_named,
    expect_recorded,
    expect_valid,
)
from contracts.shared.exports.stored_manifest import stored_manifest
from contracts.shared.resources import json_changes
from contracts.shared.resources.conventions import expect_recent
from contracts.shared.resources.digests import jcs_hash, sha256_hex
from contracts.shared.resources.flags import expect_flags
from harness.client import Answer, Client, Organization, Record
from harness.expect import expect_equal
from harness.findings.exchanges import recall
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations
from harness.untrusted.json_pointers import pointer

CHANGED_AT: tuple[json_changes.Path, ...] = (
    ("generated_at",),
    ("files", 0, "size"),
    ("filters", "range", "tags", 2, "deep"),
    ("ledger_head", "hash"),
)
"""Where a manifest is changed, from the top to the fifth level."""


@dataclass(frozen=True, kw_only=True)
class ExportedManifest:
    """A ready export of some evidence, and what it must say."""

    org: Organization
    export: Record
    filters: Mapping[str, Any]
    evidence: Mapping[str, Record]
    """The job's evidence by ID."""
    cells: Cells
    observe: Observations

    async def look_at(self) -> None:
        """Judge the manifest's bytes, hashes, members and files, and its verification."""
        manifests: list[Answer] = []
        async with self.cells.of(operation="getManifest"):
            manifests.append(await stored_manifest(self.org.client, self.export["id"]))
        entries: list[dict[str, bytes]] = []
        async with self.cells.of(operation="downloadExport"):
            entries.append(unpack(await self.org.client.download(self.export["id"])))
        for stored in manifests:
            await self._look_at_hashes(stored)
            await self._look_at_members(stored)
            for unpacked in entries:
                await self._look_at_files(stored, unpacked)
            async with self.cells.of(operation="listLedgerEvents", what="manifest_hash"):
                await expect_recorded(self.org.client, stored.document, self.export)
            await self._look_at_verification(stored.document)

    async def _look_at_hashes(self, stored: Answer) -> None:
        cell = partial(self.cells.of, operation="getManifest")
        recorded, original = self.export["manifest_hash"], stored.sent
        async with cell(header="Content-Type"):
            recall(stored.exchange)
            expect_json(stored)
        async with cell(what="as in the data of the export"):
            recall(stored.exchange)
            got = self.export["manifest"]
            expect_equal(got, stored.document, "manifest in the data of the export", rule=HASHED)
        async with cell(what="SHA-256 of its bytes"):
            recall(stored.exchange)
            what = "SHA-256 of the manifest's bytes"
            expect_equal(sha256_hex(original.body), recorded, what, rule=HASHED)
            self.observe(what="hashes recomputed")
        async with cell(what="hash of RFC 8785"):
            recall(stored.exchange)
            what = "RFC 8785 hash of the manifest"
            expect_equal(jcs_hash(original.document), recorded, what, rule=HASHED)
            self.observe(what="hashes recomputed")

    async def _look_at_members(self, stored: Answer) -> None:
        cell = partial(self.cells.of, operation="getManifest")
        for name, expected in described(self.export, self.org, self.filters).items():
            async with cell(field=name):
                recall(stored.exchange)
                expect_named(stored.document, name, expected)
        async with cell(field="generated_at"):
            recall(stored.exchange)
            expect_recent(stored.document, "generated_at")
        async with self.cells.of(operation="getExport", field="filters"):
            expect_equal(self.export["filters"], self.filters, "filters of the export")
        async with cell(field="evidence in files"):
            recall(stored.exchange)
            expect_evidence_described(stored.document, self.evidence)

    async def _look_at_files(self, stored: Answer, entries: dict[str, bytes]) -> None:
        async with self.cells.of(operation="downloadExport", what="manifest.json"):
            got, wanted = entries.get("manifest.json"), stored.sent.body
            expect_equal(got, wanted, "manifest.json in the ZIP", rule=HASHED)
            self.observe(what="hashes recomputed")
        async with self.cells.of(operation="downloadExport", what="files in the manifest"):
            recall(stored.exchange)
            expect_files_match(stored.document, entries)
            self.observe(len(stored.document["files"]), what="files")

    async def _look_at_verification(self, manifest: Record) -> None:
        client, export_id = self.org.client, self.export["id"]
        for question in (
            {"export_id": export_id},
            {"manifest": manifest},
            {"manifest": manifest, "export_id": export_id},
        ):
            async with self.cells.of(operation="verifyManifest", case=" and ".join(question)):
                await expect_valid(client, question)
                self.observe(what="verified")
        for changed_at in CHANGED_AT:
            case = f"changed at {pointer(changed_at)}"
            async with self.cells.of(operation="verifyManifest", case=case):
                await expect_change_found(client, manifest, changed_at, export_id)
                self.observe(what="tampered")


def expect_evidence_described(manifest: Record, evidence: Mapping[str, Record]) -> None:
    """Fail unless `files` names the job's evidence, each once, with size and digest."""
    files = {
        file["evidence_id"]: (file["sha256"], file["size"])
        for file in manifest["files"]
        if file["evidence_id"] is not None
    }
    wanted = {made["id"]: (made["file_sha256"], made["file_size"]) for made in evidence.values()}
    what = "sha256 and size by evidence_id in `files`"
    expect_equal(files, wanted, what, rule=FILES_MATCH, subject="evidence_id")


async def expect_change_found(
    client: Client, manifest: Record, path: json_changes.Path, export_id: str
) -> None:
    """Fail when a manifest that was changed at this path still matches its export."""
    question = {"manifest": json_changes.changed(manifest, path), "export_id": export_id}
    answer = await client.call("verifyManifest", json=question)
    what = f"a manifest changed at {pointer(path)}"
    expect_flags(answer, {"export_match": False}, what)
