"""What a piece of evidence must look like after its upload."""

from datetime import UTC, datetime

from contracts.shared.resources.conventions import time_of
from contracts.shared.resources.digests import expect_repr_digest, sha256_hex
from harness.client import Answer, Organization, Record, Sample
from harness.expect import expect, expect_equal

CAPTURED_AT = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
FORM = {"tag": "roof", "phase": "after", "captured_at": "2026-01-31T14:00:00+02:00"}
REPEATED_FORM = {"tag": "roof", "phase": "after"}
"""What the existing client sends when it repeats: without `captured_at`, which is not compared."""


def expect_sealed(evidence: Record, sample: Sample, job: Record, org: Organization) -> None:
    """Fail unless the data of a new piece of evidence says what was uploaded."""
    for name, wanted in {
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
            continue  # it has one value: evidence that is shown at all is sealed
        expect_equal(evidence[name], wanted, f"{name} of {sample.mime_type} evidence")
    expect(
        evidence["storage_path"],
        expected="storage_path in new evidence",
        got=repr(evidence["storage_path"]),
    )
    expect_equal(time_of(evidence, "captured_at"), CAPTURED_AT, "captured_at, as it was uploaded")


def expect_content(answer: Answer, sample: Sample) -> None:
    """Fail unless a download gives the uploaded bytes, safely for a browser."""
    expect_equal(sha256_hex(answer.body), sample.sha256, "the SHA-256 of the content")
    expect_repr_digest(answer)
    for header, wanted in {
        "x-content-type-options": "nosniff",
        "content-type": sample.mime_type,
    }.items():
        got = answer.headers.get(header, "").partition(";")[0]
        expect_equal(got, wanted, f"{header} of evidence content")
    disposition = answer.headers.get("content-disposition", "")
    expect(
        disposition.lower().startswith("attachment"),
        expected="evidence content as an attachment",
        got=f"Content-Disposition {disposition!r}",
    )


def expect_replayed(again: Answer, first: Answer) -> None:
    """Fail unless `again` is the original answer, marked as a replay."""
    expect(
        200 <= again.status < 300,
        expected="the original answer (any 2xx) to the same request under the same key",
        got=again.describe(),
    )
    expect(
        again.flag("x-idempotency-replayed"),
        expected="X-Idempotency-Replayed: true on a repeated upload",
        got=f"{again.headers.get('x-idempotency-replayed')!r} with {again.describe()}",
    )
    expect_equal(again.data, first.data, "the data of the repeated upload")
