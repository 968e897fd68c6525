"""Ready exports, with everything that a check of manifests compares."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.manifest.rfc8785_examples import FILTERS
from contracts.shared.exports.archive import ARCHIVE, Entries, unpack
from contracts.shared.exports.stored_manifest import stored_manifest
from harness.client import Answer, Organization, Record, Sample
from harness.findings.exchanges import recall
from harness.findings.preconditions import precondition


@dataclass(frozen=True, kw_only=True)
class ReadyExport:
    """One ready export, its manifest, and the files of its ZIP."""

    export: Record
    stored: Answer
    """The answer with its manifest."""
    downloaded: Answer
    entries: Entries
    """The files of its ZIP by their path there."""

    @property
    def id(self) -> str:
        """The export's id."""
        return str(self.export["id"])

    @property
    def type(self) -> str:
        """Proof pack or ledger."""
        return str(self.export["export_type"])

    @property
    def manifest(self) -> Record:
        """Its manifest."""
        return self.stored.document

    @property
    def manifest_bytes(self) -> bytes:
        """The manifest as it was received."""
        return self.stored.sent.body

    def recall_manifest(self) -> None:
        """Take the request of its manifest for evidence of what is found next."""
        recall(self.stored.exchange)

    def recall_download(self) -> None:
        """The same of its ZIP."""
        recall(self.downloaded.exchange)


async def make_export(
    org: Organization, job: Record, export_type: str = "proof-pack"
) -> ReadyExport:
    """Request an export, wait until it is ready, and read it."""
    requested = await org.client.new_export(job["id"], export_type, filters=FILTERS)
    return await read_when_ready(org, requested["id"])


async def read_when_ready(org: Organization, export_id: str) -> ReadyExport:
    """Wait until an export is ready, and read it. What is not there is a precondition not met."""
    export = await org.client.wait_for_export(export_id)
    stored = await stored_manifest(org.client, export["id"])
    with precondition(ARCHIVE):
        downloaded = await org.client.download(export["id"])
        entries = unpack(downloaded)
    return ReadyExport(export=export, stored=stored, downloaded=downloaded, entries=entries)


async def upload_files(
    org: Organization, job: Record, samples: Sequence[Sample]
) -> dict[str, tuple[Record, Sample]]:
    """Upload files to a job; return evidence and file by the id of the evidence."""
    uploaded = {}
    for sample in samples:
        evidence = await org.client.new_evidence(job["id"], sample)
        uploaded[str(evidence["id"])] = (evidence, sample)
    return uploaded
