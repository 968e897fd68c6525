"""Ready exports with everything about them that a check of manifests holds against each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.manifest.rfc8785_examples import FILTERS
from contracts.shared.exports.archive import unpack
from harness.client import Organization, Record, Sample
from harness.expect import expect_status


@dataclass(frozen=True, kw_only=True)
class ReadyExport:
    """One export as it was requested, as it is shown, and as it is filed."""

    requested: Record
    export: Record
    manifest: Record
    manifest_bytes: bytes
    """As they were sent."""
    entries: Mapping[str, bytes]
    """The files of its ZIP by their path there."""

    @property
    def id(self) -> str:
        """The export's id."""
        return str(self.export["id"])


async def make_export(
    org: Organization,
    job: Record,
    export_type: str = "proof-pack",
    *,
    filters: Mapping[str, Any] = FILTERS,
) -> ReadyExport:
    """Request an export, wait until it is ready, and get all there is of it."""
    requested = await org.client.new_export(job["id"], export_type, filters=filters)
    return await read_when_ready(org, requested)


async def read_when_ready(org: Organization, requested: Record) -> ReadyExport:
    """Wait until a requested export is ready and get all there is of it."""
    export = await org.client.wait_for_export(requested["id"])
    path = {"export_id": export["id"]}
    stored = expect_status(await org.client.call("getManifest", path=path), 200)
    return ReadyExport(
        requested=requested,
        export=export,
        manifest=stored.document,
        manifest_bytes=stored.sent.body,
        entries=unpack(await org.client.download(export["id"])),
    )


async def upload_files(
    org: Organization, job: Record, samples: Sequence[Sample]
) -> dict[str, tuple[Record, Sample]]:
    """Upload files to a job; give evidence and file by the evidence's id."""
    uploaded = {}
    for sample in samples:
        evidence = await org.client.new_evidence(job["id"], sample)
        uploaded[str(evidence["id"])] = (evidence, sample)
    return uploaded
