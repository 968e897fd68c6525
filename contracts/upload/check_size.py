"""Files at the size limit and above it, and how early the larger ones are refused."""

import json
from functools import partial
from pathlib import Path

from contracts.upload.large_uploads import expect_kept, send_streamed, size_note
from contracts.upload.memory_growth import Growth, growth_of
from contracts.upload.raw_upload import FRAME_ALLOWANCE, RawUpload
from harness.check import check
from harness.client import Answer, Organization, Samples
from harness.client.http.raw import chunk
from harness.client.multipart import file_head, text_part
from harness.expect import expect, expect_status
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations
from harness.system import System
from harness.target import Capability, Target

MiB = 1024 * 1024

MAX_BUFFERED = 8 * MiB
"""Bytes above the limit that may be in buffers when the server refuses."""

MAX_GROWTH = 0.75
"""How much memory may grow while a file is received, as a share of its size."""


@check(
    "upload.size-limit",
    "Files above the size limit are refused",
    checklist="Verify upload limits: 50 MB, with Content-Length",
    observes=6,
    needs={Capability.LOAD},
)
async def check_size_limit(
    target: Target,
    system: System,
    org: Organization,
    samples: Samples,
    observe: Observations,
    cells: Cells,
) -> None:
    """Upload a file of the largest size, and one with one byte more.

    The first must be accepted without holding it in memory, the second refused (413). A larger
    Content-Length must be refused before any of the body is sent.
    """
    limit = target.limits.max_upload_bytes
    job = await org.new_job()
    cell = partial(cells.of, operation="uploadEvidence")
    for case, length in {
        "one byte more than file and frame may have": limit + FRAME_ALLOWANCE + 1,
        "10 MiB above the limit": limit + 10 * MiB,
        "four times the limit": 4 * limit,
        "a terabyte": 2**40,
    }.items():
        async with cell(header="Content-Length", case=case):
            upload = RawUpload(client=org.client, job_id=job["id"])
            async with upload.begin(length=length) as refused:
                # None of the body is sent: a server that reads it first never answers.
                answer = await refused.answer()
            detail = f"Content-Length: {length}, limit {limit}; no body sent"
            expect_status(answer, 413, detail=detail)
            observe(what="refused unread")

    number = len(system.api) - 1
    over = samples.of_size(limit + 1, "video/mp4")
    upload = RawUpload(client=org.client, job_id=job["id"])
    async with cell(case="one byte above the limit"):
        answer = await upload.whole(upload.body(over), instance=number)
        expect_status(answer, 413, detail=size_note(over, limit))
        observe(what="one byte too many")

    exact = samples.of_size(limit, "video/mp4")
    body = upload.body(exact)
    with growth_of(system.api[number]) as growth:
        async with cell(case="the largest file"):
            answer = await upload.whole(body, instance=number)
            expect_status(answer, 201, detail=size_note(exact, limit))
            await expect_kept(org.client, answer.data, exact)
            observe(what="the largest file")
    async with cell(what="memory"):
        expect_not_held(growth, limit, observe)


@check(
    "upload.size-streamed",
    "The size limit holds without a Content-Length",
    checklist="Verify upload limits: 50 MB, streamed",
    observes=6,
    needs={Capability.LOAD},
)
async def check_size_streamed(
    target: Target,
    system: System,
    org: Organization,
    samples: Samples,
    report_dir: Path,
    observe: Observations,
    cells: Cells,
) -> None:
    """Upload in chunks, without a Content-Length.

    A file of the largest size must be accepted without holding it in memory, and one with one byte
    more refused. A part without an end must be refused soon after the limit.
    """
    limit = target.limits.max_upload_bytes
    job = await org.new_job()
    upload = RawUpload(client=org.client, job_id=job["id"])
    over = samples.of_size(limit + 1, "video/mp4")
    boundary, small = upload.boundary, samples.new("video/mp4")
    beginnings = {
        "a file": upload.head(over) + over.content[:4096],
        "a second file": upload.body(small).removesuffix(b"--\r\n")
        + upload.head(over).removeprefix(f"--{boundary}".encode())
        + over.content[:4096],
        "a text field": text_part(boundary, "tag", "x").removesuffix(b"\r\n"),
        "an unknown field": file_head(boundary, "other", "x.mp4", "video/mp4"),
    }
    sent: dict[str, int] = {}
    cell = partial(cells.of, operation="uploadEvidence")
    for what, beginning in beginnings.items():
        async with cell(case=f"{what} without an end"):
            piece = chunk(b"\x00" * MiB if what != "a text field" else b"x" * MiB)
            answer, sent[what] = await send_endless(upload, beginning, piece, limit)
            statuses = (413,) if what == "a file" else (400, 413, 415, 422)
            detail = f"{what} without an end: {sent[what]} bytes, limit {limit}"
            expect_status(answer, *statuses, detail=detail)
            observe(what="refused while it was sent")
    (report_dir / "bytes-before-the-answer.json").write_text(
        json.dumps(sent, indent=2), encoding="utf-8"
    )

    async with cell(case="one byte above the limit, in chunks"):
        answer = await send_streamed(upload, over, instance=0)
        expect_status(answer, 413, detail=f"streamed: {size_note(over, limit)}")
        observe(what="one byte too many")

    exact = samples.of_size(limit, "video/mp4")
    with growth_of(system.api[0]) as growth:
        async with cell(case="the largest file, in chunks"):
            answer = await send_streamed(upload, exact, instance=0)
            expect_status(answer, 201, detail=f"streamed: {size_note(exact, limit)}")
            await expect_kept(org.client, answer.data, exact)
            observe(what="the largest file")
    async with cell(what="memory"):
        expect_not_held(growth, limit, observe)


async def send_endless(
    upload: RawUpload, beginning: bytes, piece: bytes, limit: int
) -> tuple[Answer, int]:
    """Send a body without an end until it is answered; give the answer, and the bytes sent."""
    async with upload.begin(length=None) as endless:
        await endless.send(chunk(beginning))
        while endless.sent < limit + FRAME_ALLOWANCE + MAX_BUFFERED:
            if not await endless.send(piece):
                break
        # A server that waits for the end never answers.
        return await endless.answer(), endless.sent


def expect_not_held(growth: Growth, size: int, observe: Observations) -> None:
    """Fail when an instance held a file in memory, as far as its memory is known.

    A file of that size was received before, so memory that a runtime keeps is counted already.
    """
    if growth.bytes is None:
        return
    expect(
        growth.bytes < MAX_GROWTH * size,
        expected=f"memory growth below {MAX_GROWTH:.0%} of the {size} bytes received",
        got=f"a peak {growth.bytes} bytes above the memory before",
    )
    observe(what="memory")
