"""What was uploaded comes back: every byte, any part of it, and what was said about it."""

import random
from collections.abc import Iterator

from contracts.upload.byte_ranges import (
    DOUBTFUL,
    MULTIPLE,
    content,
    expect_beyond,
    expect_part,
    expect_whole,
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
AWKWARD = 12
AT_ONCE = 3
PAUSE_S = 0.002
"""Between two pieces, so that most of them arrive apart."""


@check(
    "upload.content-fidelity",
    "Content comes back byte for byte, whole and in parts, with the digest of the whole",
    checklist="Verify uploaded content is stored and served unchanged",
    observes=9 + len(SIZES) + AWKWARD + 4 + 14 + 3 + len(DOUBTFUL) + 3,
)
async def check_content_fidelity(
    org: Organization, samples: Samples, rng: random.Random, observe: Observations
) -> None:
    job = await org.new_job()

    async def returns(sample: Sample, what: str) -> Record:
        answer = await org.client.upload(job["id"], sample)
        evidence = expect_status(answer, 201, detail=what).data
        await expect_returned(org.client, evidence, sample, what)
        observe(what="whole")
        return evidence

    await together((returns(each, each.mime_type) for each in samples.one_of_each()), at_once=3)
    sized = [samples.of_size(size) for size in SIZES]
    await together((returns(each, f"{each.size} bytes") for each in sized), at_once=AT_ONCE)

    upload = RawUpload(client=org.client, job_id=job["id"])
    for what, sample in awkward(samples, upload.boundary, rng):
        answer = expect_status(await upload.whole(upload.body(sample)), 201, detail=what)
        await expect_returned(org.client, answer.data, sample, what)
        observe(what="awkward")
    await expect_any_pieces(upload, samples, observe)
    await expect_fields(upload, samples, observe)

    large = samples.of_size(1024 * KiB + 1)
    evidence = await org.client.new_evidence(job["id"], large)
    await expect_ranges(org.client, evidence, large, observe)


def awkward(samples: Samples, boundary: str, rng: random.Random) -> Iterator[tuple[str, Sample]]:
    """Contents that a careless parser, encoder or trimmer would change."""
    near = boundary[:-1] + ("0" if boundary[-1] != "0" else "1")
    for what, payload in (
        ("every byte there is", bytes(range(256)) * 4),
        ("NULs", bytes(70_000)),
        ("0xFF alone", b"\xff" * 70_000),
        ("CR, LF and hyphens", b"\r\n--\r\n\r--\n\r\n\r\n--\r\r\n-" * 500),
        ("nearly its own boundary", f"\r\n--{near}\r\n\r\n--{near}--\r\n".encode()),
        ("its boundary inside a line", f"x--{boundary}y --{boundary}--z".encode()),
        ("another form", b"--b\r\nContent-Disposition: form-data; name=tag\r\n\r\nx\r\n--b--\r\n"),
        ("what cannot be compressed", rng.randbytes(200_000)),
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
    """Fail unless the record describes the file and its content is the file."""
    expect_equal(evidence["file_size"], sample.size, f"file_size: {what}")
    expect_equal(evidence["file_sha256"], sample.sha256, f"file_sha256: {what}")
    answer = await content(client, evidence["id"])
    expect_whole(answer, sample.content, sample.mime_type, what=what)


async def expect_any_pieces(upload: RawUpload, samples: Samples, observe: Observations) -> None:
    """Fail where it matters how a body is cut into pieces on its way."""
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
    """Fail unless text fields count behind the file as they do before it, letter by letter."""
    fields = {"tag": "Dach Süd / 屋根", "phase": 'before & after; "100%" = c:\\'}
    texts = b"".join(text_part(upload.boundary, *each) for each in fields.items())
    sample = samples.new()
    file = upload.head(sample) + sample.content + b"\r\n"
    answer = await upload.whole(file + texts + closing(upload.boundary))
    evidence = expect_status(answer, 201, detail="text fields behind the file").data
    for name, value in fields.items():
        expect_equal(evidence[name], value, f"{name} that was sent behind the file")
    await expect_returned(upload.client, evidence, sample, "a file before its text fields")
    observe(what="with fields")


async def expect_ranges(
    client: Client, evidence: Record, sample: Sample, observe: Observations
) -> None:
    """Fail unless every part that can be asked for is right, and no other is given."""
    whole, kind = sample.content, sample.mime_type
    for asked in satisfiable(sample.size):
        expect_part(await content(client, evidence["id"], asked.header), asked, whole, kind)
        observe(what="parts")
    for header in unsatisfiable(sample.size):
        expect_beyond(await content(client, evidence["id"], header), header, sample.size)
        observe(what="beyond the end")
    for header in DOUBTFUL:
        answer = await content(client, evidence["id"], header)
        expect_status(answer, 200, 400, 416, detail=f"Range: {header}")
        if answer.status == 200:
            expect_whole(answer, whole, kind, what=f"Range: {header}, ignored")
        observe(what="doubtful")
    several = await content(client, evidence["id"], MULTIPLE)
    expect_status(several, 200, 206, 416, detail=f"Range: {MULTIPLE}")
    if several.status == 200:
        expect_whole(several, whole, kind, what=f"Range: {MULTIPLE}, answered whole")
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
            expect_whole(answer, whole, kind, what=f"If-Range: {validator}")
        observe(what="on condition")
