"""What the API must show of a piece of evidence after its upload."""

from collections.abc import Iterable
from datetime import UTC, datetime

from contracts.shared.resources.conventions import time_of
from contracts.shared.resources.digests import expect_repr_digest
from harness.client import Answer, Client, Organization, Record, Sample
from harness.errors import CheckFailed
from harness.expect import expect, expect_equal, expect_status

DESCRIBED = "evidence.describes-file"
"""The rule that a record of evidence describes what was uploaded."""

CAPTURED_AT = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
FORM = {"tag": "roof", "phase": "after", "captured_at": "2026-01-31T14:00:00+02:00"}
REPEATED_FORM = {"tag": "roof", "phase": "after"}
"""What the existing client sends when it repeats: without `captured_at`, which is not compared."""


def expect_sealed(evidence: Record, sample: Sample, job: Record, org: Organization) -> None:
    """Fail unless the data of new evidence describes the uploaded file."""
    for name, expected in {
        "evidence_id": evidence["id"],
        "job_id": job["id"],
        "organization_id": org.id,
        "file_name": sample.file_name,
        "file_size": sample.size,
        "mime_type": sample.mime_type,
        "file_sha256": sample.sha256,
        "state": "sealed",
        "tag": FORM["tag"],
        "phase": FORM["phase"],
    }.items():
        if name == "state" and evidence.lacks(name):
            continue  # it has only one value
        expect_described(evidence[name], expected, name)
    expect(
        evidence["storage_path"],
        expected="a storage_path in new evidence",
        got=repr(evidence["storage_path"]),
        rule=DESCRIBED,
        subject="storage_path",
    )
    expect_described(time_of(evidence, "captured_at"), CAPTURED_AT, "captured_at")


def expect_described(got: object, expected: object, name: str, *, detail: str = "") -> None:
    """Fail unless a field of evidence says what was uploaded."""
    what = f"{name} of new evidence"
    expect_equal(got, expected, what, detail=detail, rule=DESCRIBED, subject=name)


async def expect_evidence_ids(
    client: Client, job_id: str, ids: Iterable[str], what: str
) -> list[Record]:
    """Fail unless a job has exactly these pieces of evidence, in any order; give them."""
    listed = await client.listed("listEvidence", path={"job_id": job_id})
    expect_equal(sorted(item["id"] for item in listed), sorted(ids), f"IDs of evidence {what}")
    return listed


async def download_content(
    client: Client, evidence_id: str, byte_range: str | None = None
) -> Answer:
    """Download evidence, or a part of it, and give the answer with any status."""
    return await client.call(
        "getEvidenceContent",
        path={"evidence_id": evidence_id},
        headers={"range": byte_range} if byte_range is not None else None,
    )


def expect_content(answer: Answer, whole: bytes, mime_type: str, *, what: str) -> None:
    """Fail unless a download has all the uploaded bytes and the headers of evidence content."""
    expect_status(answer, 200, detail=what)
    if answer.body != whole:
        raise CheckFailed(
            expected=f"the {len(whole)} uploaded bytes as content: {what}",
            got=_difference(answer.body, whole),
            rule="download.unchanged",
            subject=answer.operation_id,
        )
    expect_content_headers(answer, whole, mime_type)


def expect_content_headers(answer: Answer, whole: bytes, mime_type: str) -> None:
    """Fail unless content has its type, its digest, and headers that keep browsers from running it.

    A part of the content has the digest of the whole.
    """
    expect_repr_digest(answer, whole)
    for header, expected in (
        ("x-content-type-options", "nosniff"),
        ("content-type", mime_type),
        ("content-disposition", "attachment"),
    ):
        got = answer.headers.get(header, "").partition(";")[0].strip().lower()
        what = f"{header} of evidence content (status {answer.status})"
        expect_equal(got, expected, what, rule="download.headers", subject=header)


def _difference(got: bytes, expected: bytes) -> str:
    pairs = enumerate(zip(got, expected, strict=False))
    at = next((number for number, (one, other) in pairs if one != other), None)
    where = f"first difference at byte {at}" if at is not None else "cut short or continued"
    return f"{len(got)} bytes, {where}"
