"""Exports on a system with workers, from their request to their download, cell by cell."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from contracts.golden.export_states import expect_first_attempt_times, expect_refused
from contracts.golden.export_watch import ExportWatch
from contracts.golden.fields import EXPORT
from contracts.golden.new_resources import look_at_headers, look_at_location, look_at_new
from contracts.golden.whole_ledger import expect_whole_ledger
from contracts.shared.exports.archive import (
    Entries,
    expect_evidence_in,
    expect_named_files_in,
    unpack,
)
from contracts.shared.exports.manifests import HASHED, expect_files_match
from contracts.shared.exports.stored_manifest import stored_manifest
from contracts.shared.resources.digests import expect_repr_digest, sha256_hex
from harness.client import Answer, Client, Organization, Record, Sample
from harness.expect import expect, expect_equal, expect_status
from harness.findings.exchanges import recall
from harness.findings.preconditions import precondition
from harness.plugin.cells import Cells
from harness.vocabulary.exports import PROOF_PACK


@dataclass(kw_only=True)
class RequestedExports:
    """Requests exports of one job, and looks at each until it is downloaded."""

    org: Organization
    job: Record
    uploaded: Mapping[str, Sample]
    """The job's files by the IDs of their evidence."""
    cells: Cells
    ids: list[str] = field(default_factory=list)
    """The IDs of all exports that were accepted."""

    async def request(self, export_type: str, **where: str) -> list[Answer]:
        """Request an export; give the answer if it was accepted."""
        accepted: list[Answer] = []
        async with self.cells.of(operation="requestExport", type=export_type, **where):
            with precondition("export.requested"):
                answer = await self.org.client.request_export(self.job["id"], export_type)
                expect_status(answer, 202)
                expect(
                    answer.data["id"] not in self.ids,
                    expected="another export than those that are ready",
                    got=answer.describe(),
                )
            self.ids.append(answer.data["id"])
            accepted.append(answer)
        return accepted

    async def look_at(self, export_type: str) -> list[Record]:
        """Request an export, and judge it until its download; give it if it became ready."""
        cells, ready = self.cells, list[Record]()
        for requested in await self.request(export_type):
            await look_at_headers(cells, requested, type=export_type)
            expected = {"job_id": self.job["id"], "export_type": export_type, "filters": {}}
            await look_at_new(cells, requested, EXPORT, expected, type=export_type)
            await look_at_location(
                cells, self.org.client, requested, changes=True, type=export_type
            )
            watch = ExportWatch(org=self.org, requested=requested)
            async with cells.of(operation="getExport", type=export_type, what="becomes ready"):
                ready.append((await watch.until_ready()).data)
            await watch.look_at_answers(cells, export_type)
        for export in ready:
            async with cells.of(operation="getExport", type=export_type, what="times"):
                expect_first_attempt_times(export)
            await self._look_at_download(export)
            for operation_id in ("cancelExport", "retryExport"):
                async with cells.of(operation=operation_id, type=export_type, state="ready"):
                    await expect_refused(self.org.client, operation_id, export["id"], "ready")
        return ready

    async def _look_at_download(self, export: Record) -> None:
        type_, client = export["export_type"], self.org.client
        cell = partial(self.cells.of, operation="downloadExport", type=type_)
        found: list[tuple[Answer, Entries]] = []
        async with cell():
            download = await client.download(export["id"])
            found.append((download, unpack(download)))
        for download, entries in found:
            async with cell(header="Repr-Digest"):
                recall(download.exchange)
                if download.may_lack_digest:
                    await expect_digests_of_manifest(client, export, entries)
                else:
                    download.needs_header("repr-digest")
                    expect_repr_digest(download)
            async with cell(what="the second download"):
                again = await client.download(export["id"])
                what = "bytes of the second download"
                expect_equal(again.body, download.body, what, rule="download.unchanged")
            async with cell(what="ledger.json"):
                expect_whole_ledger(entries, export, await client.ledger_events(), client.chain)
            if type_ == PROOF_PACK:
                async with cell(what="evidence files"):
                    recall(download.exchange)
                    expect_evidence_in(entries, dict(self.uploaded))
                # Apart from the evidence: a ZIP without a ledger hides no lost file.
                async with cell(what="manifest and ledger"):
                    recall(download.exchange)
                    expect_named_files_in(entries)


async def expect_digests_of_manifest(
    client: Client, export: Record, entries: dict[str, bytes]
) -> None:
    """Fail unless a ZIP that shows no digest itself has the files that its manifest lists, and
    that manifest the hash which the export has recorded."""
    stored = await stored_manifest(client, export["id"])
    what = "SHA-256 of manifest.json in the ZIP, as in manifest_hash"
    got = sha256_hex(entries.get("manifest.json", b""))
    expect_equal(got, export["manifest_hash"], what, rule=HASHED, subject="downloadExport")
    expect_files_match(stored.document, entries)
