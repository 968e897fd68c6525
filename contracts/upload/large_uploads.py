"""Uploads of the largest files."""

from contracts.shared.resources.evidence import download_content, expect_field
from contracts.upload.raw_upload import RawUpload
from harness.client import Answer, Client, Record, Sample
from harness.client.http.raw import chunk
from harness.expect import expect, expect_status

_PIECE = 1024 * 1024
_END = 4096


def size_note(sample: Sample, limit: int) -> str:
    """The size of a file, for messages."""
    return f"a file of {sample.size} bytes, limit {limit}"


async def send_streamed(upload: RawUpload, sample: Sample, *, instance: int) -> Answer:
    """Upload a file in chunks of 1 MiB, without a Content-Length."""
    content = memoryview(sample.content)
    async with upload.begin(length=None, instance=instance) as connection:
        await connection.send(chunk(upload.head(sample)))
        for start in range(0, sample.size, _PIECE):
            if not await connection.send(chunk(bytes(content[start : start + _PIECE]))):
                break
        else:
            await connection.send(chunk(upload.tail) + chunk(b""))
        return await connection.answer()


async def expect_kept(client: Client, evidence: Record, sample: Sample) -> None:
    """Fail unless the record describes the file, and its last bytes can be downloaded."""
    expect_field(evidence, "file_size", sample.size, detail="the largest file")
    expect_field(evidence, "file_sha256", sample.sha256, detail="the largest file")
    answer = await download_content(client, evidence["id"], f"bytes={sample.size - _END}-")
    expect_status(answer, 200, 206)
    expect(
        answer.body[-_END:] == sample.content[-_END:],
        expected=f"the last {_END} bytes of the largest file, as they were uploaded",
        got=f"others, {len(answer.body)} bytes with status {answer.status}",
        rule="download.unchanged",
        subject=answer.operation_id,
    )
