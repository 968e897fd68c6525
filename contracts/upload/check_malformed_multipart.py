"""Malformed, truncated and empty uploads are refused, early where the headers suffice."""

from contracts.shared.resources.evidence import expect_evidence_ids, expect_field
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
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations
from harness.target import Capability, Target

AT_ONCE = 4
A_LARGE_BODY = 40 * 1024 * 1024
"""What a request says that it will send, unless the backend takes less than that."""
BOUNDARY_OF_70 = "0123456789".center(70, "-")
BOUNDARY_QUOTED = "a'()+_,-./:=?b"


def large_body(max_upload_bytes: int) -> int:
    """How large a body is said to be that is never sent: no larger than what may be uploaded,
    so that its size is no reason to refuse it."""
    return min(A_LARGE_BODY, max_upload_bytes)


@check(
    "upload.malformed-multipart",
    "Malformed and truncated forms are refused",
    checklist="Verify malformed and truncated uploads are refused",
    needs={Capability.ORGANIZATIONS},
    observes=9 + 8 + 2 * 14 + 9 + 17 + 1 + 4,
)
async def check_malformed_multipart(
    org: Organization, samples: Samples, target: Target, observe: Observations, cells: Cells
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
        async with cells.of(operation="uploadEvidence", case=what, what="no body sent"):
            async with upload.begin(
                length=large_body(target.limits.max_upload_bytes),
                key=key,
                content_type=content_type,
            ) as begun:
                # None of the body is sent: a server that reads it first never answers.
                answer = await begun.answer()
            expect_status(answer, 400, detail=f"{what}; none of the body was sent")
            observe(what="refused unread")
    accepted: set[str] = set()

    async def attempt(form: Form, *, chunked: bool = False) -> None:
        length = None if chunked else TRUE_LENGTH
        case = form.what + (", sent in chunks" if chunked else "")
        async with cells.of(operation="uploadEvidence", case=case):
            answer = await upload.whole(form.body, length=length, content_type=form.content_type)
            note_accepted(answer, accepted)
            expect_status(answer, *form.statuses, detail=case)
            if answer.status < 300:
                expect_field(answer.data, "file_sha256", sample.sha256, detail=case)
            observe(what="sent whole")

    await together(map(attempt, not_multipart(sample)), at_once=AT_ONCE)
    await together(map(attempt, truncated(sample)), at_once=AT_ONCE)
    await together((attempt(form, chunked=True) for form in truncated(sample)), at_once=AT_ONCE)
    await together(map(attempt, without_file(sample)), at_once=AT_ONCE)

    body = whole(sample)
    case = "a Content-Length of half the body"
    async with cells.of(operation="uploadEvidence", case=case):
        answer = await upload.whole(body, length=len(body) // 2)
        note_accepted(answer, accepted)
        expect_status(answer, 400, detail=f"{case}, all of which was sent")
        observe(what="wrong length")
    await look_at_leftovers(org.client, job["id"], accepted, cells)

    malformed = frozenset(accepted)
    await together(map(attempt, unusual(sample)), at_once=AT_ONCE)
    async with cells.of(operation="listEvidence", what="after unusual forms"):
        listed = await org.client.listed("listEvidence", path={"job_id": job["id"]})
        kept = [item for item in listed if item["id"] not in malformed]
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
        async with cells.of(operation="uploadEvidence", case=f"a valid form, {spelled}"):
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
async def check_empty_file(
    org: Organization, samples: Samples, observe: Observations, cells: Cells
) -> None:
    """Upload files without bytes: of every type, whole and in chunks, with and without a name.

    Each must be refused and leave nothing.
    """
    job = await org.new_job()
    upload = RawUpload(client=org.client, job_id=job["id"])

    accepted: set[str] = set()

    async def attempt(
        sample: Sample, *statuses: int, what: str, before: bytes = b"", chunked: bool = False
    ) -> None:
        body = before + upload.body(sample)
        async with cells.of(operation="uploadEvidence", case=what):
            answer = await upload.whole(body, length=None if chunked else TRUE_LENGTH)
            note_accepted(answer, accepted)
            expect_status(answer, *statuses, detail=what)
            observe()

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
    await look_at_leftovers(org.client, job["id"], accepted, cells)


def note_accepted(answer: Answer, accepted: set[str]) -> None:
    """Remember what was stored: a cell has said so already if it should not be."""
    if answer.status in {200, 201}:
        accepted.add(answer.data["id"])


async def look_at_leftovers(client: Client, job_id: str, accepted: set[str], cells: Cells) -> None:
    """Judge that refused uploads left no evidence and no event, beside those accepted wrongly."""
    what = "after refused uploads"
    async with cells.of(operation="listEvidence", what=what):
        await expect_evidence_ids(client, job_id, accepted, what)
    async with cells.of(operation="listLedgerEvents", what=what):
        targets = {event["target_id"] for event in await client.ledger_events()}
        expect_equal(targets - accepted, set(), f"things with ledger events {what}")
