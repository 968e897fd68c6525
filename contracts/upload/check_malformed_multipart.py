"""Malformed, truncated and empty uploads are refused, early where the headers suffice."""

from contracts.shared.resources.evidence import expect_evidence_ids
from contracts.upload.malformed_forms import (
    OUTER,
    Form,
    not_multipart,
    truncated,
    unusual,
    whole,
    without_file,
)
from contracts.upload.raw_upload import TRUE_LENGTH, RawUpload
from harness.check import check
from harness.client import ALLOWED_TYPES, Answer, Client, Organization, Sample, Samples, together
from harness.client.multipart import form_type, text_part
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.observations import Observations
from harness.target import Capability

AT_ONCE = 4
A_LARGE_BODY = 40 * 1024 * 1024
BOUNDARY_OF_70 = "0123456789".center(70, "-")
BOUNDARY_QUOTED = "a'()+_,-./:=?b"


@check(
    "upload.malformed-multipart",
    "Malformed and truncated forms are refused",
    checklist="Verify malformed and truncated uploads are refused",
    needs={Capability.ORGANIZATIONS},
    observes=9 + 8 + 2 * 14 + 9 + 17 + 1 + 4,
)
async def check_malformed_multipart(
    org: Organization, samples: Samples, observe: Observations
) -> None:
    """Send forms that are malformed, truncated, or without a file, whole and in chunks.

    Each must be refused and leave nothing; before any of the body where the headers are wrong.
    Unusual forms may be accepted or refused, never half. Valid forms must be accepted, with every
    spelling of the boundary.
    """
    job = await org.new_job()
    upload = RawUpload(client=org.client, job_id=job["id"], boundary=OUTER)
    sample = samples.new("image/png")

    early: list[tuple[str, str | None, str | None]] = [
        (form.what, "", form.content_type) for form in not_multipart(sample)
    ]
    for what, key, content_type in [*early, ("no Idempotency-Key", None, "")]:
        async with upload.begin(length=A_LARGE_BODY, key=key, content_type=content_type) as begun:
            # None of the body is sent: a server that reads it first never answers.
            answer = await begun.answer()
        expect_status(answer, 400, detail=f"{what}; none of the body was sent")
        observe(what="refused unread")

    async def attempt(form: Form, *, chunked: bool = False) -> None:
        length = None if chunked else TRUE_LENGTH
        answer = await upload.whole(form.body, length=length, content_type=form.content_type)
        detail = form.what + (", sent in chunks" if chunked else "")
        expect_status(answer, *form.statuses, detail=detail)
        if answer.status < 300:
            expect_equal(answer.data["file_sha256"], sample.sha256, f"file_sha256 of {detail}")
        observe(what="sent whole")

    await together(map(attempt, not_multipart(sample)), at_once=AT_ONCE)
    await together(map(attempt, truncated(sample)), at_once=AT_ONCE)
    await together((attempt(form, chunked=True) for form in truncated(sample)), at_once=AT_ONCE)
    await together(map(attempt, without_file(sample)), at_once=AT_ONCE)

    body = whole(sample)
    answer = await upload.whole(body, length=len(body) // 2)
    expect_status(answer, 400, detail="a Content-Length of half the body, all of which was sent")
    observe(what="wrong length")
    await expect_empty(org.client, job["id"])

    await together(map(attempt, unusual(sample)), at_once=AT_ONCE)
    kept = await org.client.listed("listEvidence", path={"job_id": job["id"]})
    expect(
        all(item["file_sha256"] == sample.sha256 for item in kept) and len(kept) <= 1,
        expected="at most one record, of the file that was in all these forms",
        got=f"{len(kept)} records: {[item['file_sha256'] for item in kept]}",
    )
    for boundary, spelled in (
        (OUTER, form_type(OUTER)),
        (OUTER, f"Multipart/Form-Data; Boundary={OUTER}"),
        (BOUNDARY_QUOTED, f'multipart/form-data; boundary="{BOUNDARY_QUOTED}"'),
        (BOUNDARY_OF_70, f"multipart/form-data; charset=utf-8; boundary={BOUNDARY_OF_70}"),
    ):
        valid = samples.new("image/png")
        body = whole(valid).replace(OUTER.encode(), boundary.encode())
        answer = await upload.whole(body, content_type=spelled)
        expect_status(answer, 201, detail=f"a valid form, Content-Type {spelled}")
        observe(what="valid")


@check(
    "upload.empty-file",
    "Empty files are refused",
    checklist="Verify empty files are refused",
    needs={Capability.ORGANIZATIONS},
    observes=2 * len(ALLOWED_TYPES) + 5,
)
async def check_empty_file(org: Organization, samples: Samples, observe: Observations) -> None:
    """Upload files without bytes: of every type, whole and in chunks, with and without a name.

    Each must be refused and leave nothing.
    """
    job = await org.new_job()
    upload = RawUpload(client=org.client, job_id=job["id"])

    async def attempt(
        sample: Sample, *statuses: int, what: str, before: bytes = b"", chunked: bool = False
    ) -> Answer:
        body = before + upload.body(sample)
        answer = await upload.whole(body, length=None if chunked else TRUE_LENGTH)
        observe()
        return expect_status(answer, *statuses, detail=what)

    for sample in samples.one_of_each():
        empty = Sample(sample.file_name, sample.mime_type, b"")
        await attempt(empty, 400, what=f"no bytes of {sample.mime_type}")
        await attempt(empty, 400, what=f"no bytes of {sample.mime_type}, in chunks", chunked=True)
    tag = text_part(upload.boundary, "tag", "roof")
    named = Sample("photo.png", "image/png", b"")
    await attempt(named, 400, before=tag, what="no bytes, and a tag")
    # Browsers send this when no file is chosen.
    await attempt(Sample("", "image/png", b""), 400, what="no bytes and no name")
    not_chosen = Sample("", "application/octet-stream", b"")
    await attempt(not_chosen, 400, 415, what="no bytes, no name and no type")
    await attempt(Sample("a", "text/html", b""), 400, 415, what="no bytes of HTML")
    await attempt(
        Sample("photo.png", "image/png", b"\r\n"), 422, what="a file of two bytes, CR and LF"
    )
    await expect_empty(org.client, job["id"])


async def expect_empty(client: Client, job_id: str) -> None:
    """Fail when there is evidence in the job, or an event in the organization's ledger."""
    await expect_evidence_ids(client, job_id, [], "after refused uploads")
    events = await client.ledger_events()
    names = [event["event_name"] for event in events]
    expect_equal(names, [], "ledger events after refused uploads")
