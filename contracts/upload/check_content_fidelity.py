"""Downloads give the uploaded bytes, whole and in parts."""

import random
from collections.abc import Iterator

from contracts.shared.resources.evidence import download_content, expect_content
from contracts.upload.byte_ranges import (
    INVALID,
    MULTIPLE,
    expect_part,
    expect_unsatisfiable,
    satisfiable,
    unsatisfiable,
)
from contracts.upload.raw_upload import RawUpload
from harness.check import check
from harness.client import Client, Organization, Record, Sample, Samples, together
from harness.client.multipart import closing, text_part
from harness.client.raw import chunk
from harness.expect import expect_equal, expect_status
from harness.plugin.observations import Observations

KiB = 1024
SIZES = (
    4 * KiB,
    64 * KiB - 1,
    64 * KiB,
    64 * KiB + 1,
    256 * KiB,
    1024 * KiB - 1,
    1024 * KiB,
    1024 * KiB + 1,
    3000 * KiB + 17,
)
UNUSUAL = 12
AT_ONCE = 3
PAUSE_S = 0.002
"""Between two pieces, so that most of them arrive separately."""


@check(
    "upload.content-fidelity",
    "Downloads give the uploaded bytes",
    checklist="Verify uploaded content is stored and served unchanged",
    observes=9 + len(SIZES) + UNUSUAL + 4 + 14 + 3 + len(INVALID) + 3,
)
async def check_content_fidelity(
    org: Organization, samples: Samples, rng: random.Random, observe: Observations
) -> None:
    """Upload files of every type, of many sizes, with unusual bytes and in small pieces.

    Every download must be the same bytes, with the digest of the whole; a Range gets exactly its
    part. Text fields count also after the file.
    """
    job = await org.new_job(may_hold_more=True)

    async def returned(sample: Sample, what: str) -> None:
        answer = await org.client.upload(job["id"], sample)
        evidence = expect_status(answer, 201, detail=what).data
        await expect_returned(org.client, evidence, sample, what)
        observe(what="whole")

    await together((returned(each, each.mime_type) for each in samples.one_of_each()), at_once=3)
    sized = [samples.of_size(size) for size in SIZES]
    await together((returned(each, f"{each.size} bytes") for each in sized), at_once=AT_ONCE)

    upload = RawUpload(client=org.client, job_id=job["id"])
    for what, sample in unusual_contents(samples, upload.boundary, rng):
        answer = expect_status(await upload.whole(upload.body(sample)), 201, detail=what)
        await expect_returned(org.client, answer.data, sample, what)
        observe(what="unusual")
    await expect_any_pieces(upload, samples, observe)
    await expect_fields(upload, samples, observe)

    large = samples.of_size(1024 * KiB + 1)
    evidence = await org.client.new_evidence(job["id"], large)
    await expect_ranges(org.client, evidence, large, observe)


def unusual_contents(
    samples: Samples, boundary: str, rng: random.Random
) -> Iterator[tuple[str, Sample]]:
    """Contents that a careless parser, decoder or trimmer would change."""
    near = boundary[:-1] + ("0" if boundary[-1] != "0" else "1")
    for what, payload in (
        ("all 256 bytes", bytes(range(256)) * 4),
        ("NULs", bytes(70_000)),
        ("0xFF alone", b"\xff" * 70_000),
        ("CR, LF and hyphens", b"\r\n--\r\n\r--\n\r\n\r\n--\r\r\n-" * 500),
        ("almost its own boundary", f"\r\n--{near}\r\n\r\n--{near}--\r\n".encode()),
        ("its boundary inside a line", f"x--{boundary}y --{boundary}--z".encode()),
        ("another form", b"--b\r\nContent-Disposition: form-data; name=tag\r\n\r\nx\r\n--b--\r\n"),
        ("random bytes", rng.randbytes(200_000)),
    ):
        yield what, samples.carrying(payload)
    for what, end in (
        ("CR and LF at its end", b"\r\n"),
        ("CR at its end", b"\r"),
        ("empty lines at its end", b"\n\r\n\r\n"),
        ("NUL, space and hyphens at its end", b"\0 \t--"),
    ):
        picture = samples.new("image/jpeg")
        yield what, Sample(picture.file_name, picture.mime_type, picture.content + end)


async def expect_returned(client: Client, evidence: Record, sample: Sample, what: str) -> None:
    """Fail unless the record describes the file, and a download gives its bytes."""
    expect_equal(evidence["file_size"], sample.size, f"file_size: {what}")
    expect_equal(evidence["file_sha256"], sample.sha256, f"file_sha256: {what}")
    answer = await download_content(client, evidence["id"])
    expect_content(answer, sample.content, sample.mime_type, what=what)


async def expect_any_pieces(upload: RawUpload, samples: Samples, observe: Observations) -> None:
    """Fail when the result depends on how a body is cut into pieces."""
    for number, what in enumerate(("its headers", "its first bytes", "its last bytes")):
        sample = samples.carrying(f"\r\n--{upload.boundary[:-4]}".encode() * 3)
        body, head = upload.body(sample), upload.head(sample)
        at = (head.index(b"\r\n"), len(head), len(head) + sample.size)[number]
        first, last = max(at - 12, 1), at + 24
        pieces = [body[:first], *(body[n : n + 1] for n in range(first, last)), body[last:]]
        async with upload.begin(length=None) as connection:
            for piece in pieces:
                await connection.send(chunk(piece))
                await connection.pause(PAUSE_S)
            await connection.send(chunk(b""))
            answer = expect_status(await connection.answer(), 201, detail=f"byte by byte: {what}")
        await expect_returned(upload.client, answer.data, sample, f"byte by byte: {what}")
        observe(what="in small pieces")


async def expect_fields(upload: RawUpload, samples: Samples, observe: Observations) -> None:
    """Fail unless text fields after the file count like fields before it."""
    fields = {"tag": "Dach Süd / 屋根", "phase": 'before & after; "100%" = c:\\'}
    texts = b"".join(text_part(upload.boundary, *each) for each in fields.items())
    sample = samples.new()
    file = upload.head(sample) + sample.content + b"\r\n"
    answer = await upload.whole(file + texts + closing(upload.boundary))
    evidence = expect_status(answer, 201, detail="text fields after the file").data
    for name, value in fields.items():
        expect_equal(evidence[name], value, f"{name} that was sent after the file")
    await expect_returned(upload.client, evidence, sample, "a file before its text fields")
    observe(what="with fields")


async def expect_ranges(
    client: Client, evidence: Record, sample: Sample, observe: Observations
) -> None:
    """Fail unless every valid Range gets its part, and no invalid one gets any."""
    whole, kind = sample.content, sample.mime_type
    for asked in satisfiable(sample.size):
        expect_part(
            await download_content(client, evidence["id"], asked.header), asked, whole, kind
        )
        observe(what="parts")
    for header in unsatisfiable(sample.size):
        expect_unsatisfiable(
            await download_content(client, evidence["id"], header), header, sample.size
        )
        observe(what="after the end")
    for header in INVALID:
        answer = await download_content(client, evidence["id"], header)
        expect_status(answer, 200, 400, 416, detail=f"Range: {header}")
        if answer.status == 200:
            expect_content(answer, whole, kind, what=f"Range: {header}, ignored")
        observe(what="invalid")
    several = await download_content(client, evidence["id"], MULTIPLE)
    expect_status(several, 200, 206, 416, detail=f"Range: {MULTIPLE}")
    if several.status == 200:
        expect_content(several, whole, kind, what=f"Range: {MULTIPLE}, answered whole")
    observe(what="several parts")
    first = next(satisfiable(sample.size))
    for validator in ('"another representation"', "Sat, 01 Jan 2000 00:00:00 GMT"):
        answer = await client.call(
            "getEvidenceContent",
            path={"evidence_id": evidence["id"]},
            headers={"range": first.header, "if-range": validator},
        )
        if answer.status == 206:
            expect_part(answer, first, whole, kind)
        else:
            expect_content(answer, whole, kind, what=f"If-Range: {validator}")
        observe(what="on condition")
