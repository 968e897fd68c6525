"""Downloads give the uploaded bytes, whole and in parts."""

import random
from collections.abc import Iterator

from contracts.shared.resources.evidence import download_content, expect_content, expect_field
from contracts.upload.byte_ranges import INVALID
from contracts.upload.ranged_downloads import Ranges
from contracts.upload.raw_upload import RawUpload
from harness.check import check
from harness.client import Client, Organization, Record, Sample, Samples, together
from harness.client.http.raw import chunk
from harness.client.multipart import closing, text_part
from harness.expect import expect_status
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations
from harness.target import Target

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
    org: Organization,
    target: Target,
    samples: Samples,
    rng: random.Random,
    observe: Observations,
    cells: Cells,
) -> None:
    """Upload files of every type, of many sizes, with unusual bytes and in small pieces.

    Every download must be the same bytes, with the digest of the whole; a Range gets exactly its
    part. Text fields count also after the file.
    """
    job = await org.new_job(may_hold_more=True)

    async def returned(sample: Sample, what: str) -> None:
        async with cells.of(operation="getEvidenceContent", case=what):
            evidence = await org.client.new_evidence(job["id"], sample)
            await expect_returned(org.client, evidence, sample, what)
            observe(what="whole")

    await together((returned(each, each.mime_type) for each in samples.one_of_each()), at_once=3)
    limit = target.limits.max_upload_bytes
    sized = [samples.of_size(size) for size in SIZES if size <= limit]
    observe.excuse(len(SIZES) - len(sized), "sizes above the limit of uploads")
    await together((returned(each, f"{each.size} bytes") for each in sized), at_once=AT_ONCE)

    upload = RawUpload(client=org.client, job_id=job["id"])
    for what, sample in unusual_contents(samples, upload.boundary, rng):
        async with cells.of(operation="uploadEvidence", case=what):
            answer = expect_status(await upload.whole(upload.body(sample)), 201, detail=what)
            await expect_returned(org.client, answer.data, sample, what)
            observe(what="unusual")
    await look_at_pieces(upload, samples, cells, observe)
    async with cells.of(operation="uploadEvidence", case="text fields after the file"):
        await expect_fields(upload, samples)
        observe(what="with fields")

    large = samples.of_size(min(1024 * KiB + 1, limit))
    evidence = await org.client.new_evidence(job["id"], large)
    ranges = Ranges(client=org.client, evidence_id=evidence["id"], sample=large, cells=cells)
    await ranges.look_at(observe)


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
    expect_field(evidence, "file_size", sample.size, detail=what)
    expect_field(evidence, "file_sha256", sample.sha256, detail=what)
    answer = await download_content(client, evidence["id"])
    expect_content(answer, sample.content, sample.mime_type, what=what)


async def look_at_pieces(
    upload: RawUpload, samples: Samples, cells: Cells, observe: Observations
) -> None:
    """Judge that the result does not depend on how a body is cut into pieces."""
    for number, what in enumerate(("its headers", "its first bytes", "its last bytes")):
        sample = samples.carrying(f"\r\n--{upload.boundary[:-4]}".encode() * 3)
        body, head = upload.body(sample), upload.head(sample)
        at = (head.index(b"\r\n"), len(head), len(head) + sample.size)[number]
        first, last = max(at - 12, 1), at + 24
        pieces = [body[:first], *(body[n : n + 1] for n in range(first, last)), body[last:]]
        case = f"byte by byte: {what}"
        async with cells.of(operation="uploadEvidence", case=case):
            async with upload.begin(length=None) as connection:
                for piece in pieces:
                    await connection.send(chunk(piece))
                    await connection.pause(PAUSE_S)
                await connection.send(chunk(b""))
                answer = expect_status(await connection.answer(), 201, detail=case)
            await expect_returned(upload.client, answer.data, sample, case)
            observe(what="in small pieces")


async def expect_fields(upload: RawUpload, samples: Samples) -> None:
    """Fail unless text fields after the file count like fields before it."""
    fields = {"tag": "Dach Süd / 屋根", "phase": 'before & after; "100%" = c:\\'}
    texts = b"".join(text_part(upload.boundary, *each) for each in fields.items())
    sample = samples.new()
    file = upload.head(sample) + sample.content + b"\r\n"
    answer = await upload.whole(file + texts + closing(upload.boundary))
    evidence = expect_status(answer, 201, detail="text fields after the file").data
    for name, value in fields.items():
        expect_field(evidence, name, value, detail="sent after the file")
    await expect_returned(upload.client, evidence, sample, "a file before its text fields")
