"""What the API must show of a piece of evidence after its upload."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from contracts.shared.resources.conventions import field_of, time_of
from contracts.shared.resources.digests import expect_repr_digest
from harness.client import Answer, Client, Organization, Record, Sample
from harness.errors import CheckFailed
from harness.expect import expect_equal, expect_status

DESCRIBED = "evidence.describes-file"
"""The rule that a record of evidence describes what was uploaded."""

CAPTURED_AT = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
FORM = {"tag": "roof", "phase": "after", "captured_at": "2026-01-31T14:00:00+02:00"}
REPEATED_FORM = {"tag": "roof", "phase": "after"}
"""What the existing client sends when it repeats: without `captured_at`, which is not compared."""


def sealed_fields(
    evidence_id: str, sample: Sample, job: Record, org: Organization
) -> Mapping[str, object]:
    """Give what fields of new evidence must say about a file that was uploaded with `FORM`."""
    return {
        "evidence_id": evidence_id,
        "job_id": job["id"],
        "organization_id": org.id,
        "file_name": sample.file_name,
        "file_size": sample.size,
        "mime_type": sample.mime_type,
        "file_sha256": sample.sha256,
        "state": "sealed",
        "tag": FORM["tag"],
        "phase": FORM["phase"],
    }


def expect_field(evidence: Record, name: str, expected: object, *, detail: str = "") -> None:
    """Fail unless a field of evidence says what was uploaded."""
    what, subject = f"{name} of new evidence", field_of(evidence, name)
    expect_equal(evidence[name], expected, what, detail=detail, rule=DESCRIBED, subject=subject)


def expect_captured_at(evidence: Record) -> None:
    """Fail unless evidence says when it was captured, as `FORM` does, in any spelling."""
    name = "captured_at"
    what, subject = f"{name} of new evidence", field_of(evidence, name)
    expect_equal(time_of(evidence, name), CAPTURED_AT, what, rule=DESCRIBED, subject=subject)


async def expect_evidence_ids(
    client: Client, job_id: str, ids: Iterable[str], what: str, *, rule: str = ""
) -> list[Record]:
    """Fail unless a job has exactly these pieces of evidence, in any order; give them."""
    listed = await client.listed("listEvidence", path={"job_id": job_id})
    got, what = sorted(item["id"] for item in listed), f"IDs of evidence {what}"
    expect_equal(got, sorted(ids), what, rule=rule, subject="listEvidence" if rule else "")
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
    expect_bytes(answer, whole, what=what)
    expect_content_headers(answer, whole, mime_type)


def expect_bytes(answer: Answer, whole: bytes, *, what: str) -> None:
    """Fail unless a download has all the uploaded bytes."""
    rule = "download.unchanged"
    expect_status(answer, 200, detail=what, rule=rule)
    if answer.body != whole:
        raise CheckFailed(
            expected=f"the {len(whole)} uploaded bytes as content",
            got=_difference(answer.body, whole),
            detail=what,
            rule=rule,
            subject=answer.operation_id,
        )


def expect_content_headers(answer: Answer, whole: bytes, mime_type: str) -> None:
    """Fail unless content has its type, its digest, and headers that keep browsers from running it.

    A part of the content has the digest of the whole.
    """
    expect_repr_digest(answer, whole)
    for header, expected in content_headers(mime_type).items():
        expect_content_header(answer, header, expected)


def content_headers(mime_type: str) -> Mapping[str, str]:
    """Give the headers of evidence content, without their parameters."""
    return {
        "X-Content-Type-Options": "nosniff",
        "Content-Type": mime_type,
        "Content-Disposition": "attachment",
    }


def expect_content_header(answer: Answer, header: str, expected: str) -> None:
    """Fail unless a header of evidence content has this value, with any parameters."""
    if answer.lacks_header(header):
        return
    got = answer.headers.get(header.lower(), "").partition(";")[0].strip().lower()
    what = f"{header} of evidence content (status {answer.status})"
    expect_equal(got, expected, what, rule="download.headers", subject=header)


def _difference(got: bytes, expected: bytes) -> str:
    pairs = enumerate(zip(got, expected, strict=False))
    at = next((number for number, (one, other) in pairs if one != other), None)
    where = f"first difference at byte {at}" if at is not None else "cut short or continued"
    return f"{len(got)} bytes, {where}"
