"""Range requests (RFC 9110, section 14): which there are, and what each answer must be."""

from collections.abc import Iterator
from dataclasses import dataclass

from contracts.shared.resources.evidence import expect_content_headers
from harness.client import Answer
from harness.expect import expect, expect_equal, expect_status

RANGES = "download.ranges"
"""The rule that a Range gets exactly its part."""


@dataclass(frozen=True, kw_only=True)
class ByteRange:
    """A Range header, and the part of the content that it asks for."""

    header: str
    part: slice


def satisfiable(size: int) -> Iterator[ByteRange]:
    """Ranges of every form, for a file of at least 100 bytes."""
    for header, start, stop in (
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=1-1", 1, 2),
        (f"bytes={size // 3}-{size // 2}", size // 3, size // 2 + 1),
        (f"bytes={size // 2}-", size // 2, size),
        (f"bytes={size - 1}-{size - 1}", size - 1, size),
        (f"bytes={size - 1}-", size - 1, size),
        ("bytes=-1", size - 1, size),
        ("bytes=-100", size - 100, size),
        (f"bytes=0-{size - 1}", 0, size),
        ("bytes=0-", 0, size),
        (f"bytes=-{size}", 0, size),
        # These ask for more than there is, and get what there is.
        (f"bytes={size - 10}-{size + 1000}", size - 10, size),
        (f"bytes=-{size + 5}", 0, size),
    ):
        yield ByteRange(header=header, part=slice(start, stop))


def unsatisfiable(size: int) -> tuple[str, ...]:
    """Ranges that begin after the last byte."""
    return (f"bytes={size}-", f"bytes={size}-{size}", f"bytes={size + 1}-{size + 10}")


INVALID = (
    "bytes=5-3",
    "bytes=",
    "bytes=-",
    "bytes=a-b",
    "bytes=-0",
    "0-5",
    "bytes 0-5",
    "pages=1-2",
)
"""None of these asks for any bytes: the server may ignore or refuse them."""

MULTIPLE = "bytes=0-1,5-6"

TELLING = 8
"""So many bytes stand hardly twice in a content: fewer do not tell which part they are."""


def expect_part(answer: Answer, asked: ByteRange, whole: bytes, mime_type: str) -> None:
    """Fail unless a 206 has these bytes, the right Content-Range and the headers of content."""
    detail = f"Range: {asked.header}, of {len(whole)} bytes"
    expect_status(answer, 206, detail=detail, rule=RANGES)
    wanted = whole[asked.part]
    expect(
        answer.body == wanted,
        expected=f"{len(wanted)} bytes from byte {asked.part.start} for Range: {asked.header}",
        got=f"{part_found(answer.body, whole)}, "
        f"Content-Range: {answer.headers.get('content-range', 'absent')}",
        rule=RANGES,
    )
    expect_equal(
        answer.headers.get("content-range"),
        f"bytes {asked.part.start}-{asked.part.stop - 1}/{len(whole)}",
        "Content-Range of a part",
        detail=detail,
        rule=RANGES,
    )
    expect_content_headers(answer, whole, mime_type)


def part_found(body: bytes, whole: bytes) -> str:
    """Say which part of the content some bytes are, where they are enough to tell."""
    at = whole.find(body) if len(body) >= TELLING else -1
    which = f"from byte {at}" if at >= 0 else "other ones"
    return f"{len(body)} bytes, {which} (of {len(whole)} in all)"


def expect_unsatisfiable(answer: Answer, byte_range: str, size: int) -> None:
    """Fail unless a range after the end is refused; a Content-Range must have the true size."""
    expect_status(answer, 416, detail=f"Range: {byte_range}, of {size} bytes", rule=RANGES)
    content_range = answer.headers.get("content-range")
    expect(
        content_range is None or content_range.removeprefix("bytes ").strip() == f"*/{size}",
        expected=f"Content-Range: bytes */{size} with the 416 to {byte_range}",
        got=repr(content_range),
        rule=RANGES,
    )
