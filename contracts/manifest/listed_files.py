"""The evidence that a manifest lists, against what was uploaded."""

from collections.abc import Mapping

from contracts.shared.exports.manifests import FILES_MATCH, manifest_files
from harness.client import Record, Sample
from harness.expect import expect, expect_equal


def listed_evidence(manifest: Record) -> dict[str, Record]:
    """Give the files that are evidence, by its id; fail where one is listed twice."""
    files = [file for file in manifest_files(manifest) if file["evidence_id"]]
    by_id = {str(file["evidence_id"]): file for file in files}
    what = "number of files of evidence in the manifest, each once"
    expect_equal(len(files), len(by_id), what, rule=FILES_MATCH, subject="evidence_id")
    return by_id


def expect_listed_as_uploaded(
    file: Record, evidence: Record, sample: Sample, entries: Mapping[str, bytes]
) -> None:
    """Fail unless a file of the manifest is what was uploaded, and so is the ZIP's entry."""
    detail = f"{file['name']!r}, evidence {evidence['id']}"
    for field, wanted in (("sha256", sample.sha256), ("size", sample.size)):
        what = f"{field} of an uploaded file in the manifest"
        expect_equal(file[field], wanted, what, detail=detail, rule=FILES_MATCH, subject=field)
    expect(
        entries.get(file["name"]) == sample.content,
        expected=f"the {sample.size} uploaded bytes in the ZIP's entry of this file",
        got=f"{len(entries.get(file['name'], b''))} other bytes",
        detail=detail,
        rule="export.proof-pack-complete",
        subject="evidence files",
    )
    # The contract does not say that `type` must be a media type.
    expect(
        file["type"] and ("/" not in file["type"] or file["type"] == evidence["mime_type"]),
        expected=f"type of a file: {evidence['mime_type']}, or no media type",
        got=repr(file["type"]),
        detail=detail,
        rule=FILES_MATCH,
        subject="type",
    )
