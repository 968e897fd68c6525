"""Parts of a download (RFC 9110, section 14) and the digest of the whole (RFC 9530)."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness.client import Answer, Client
from harness.errors import CheckFailed
from harness.expect import expect, expect_equal, expect_status

_SHA256 = re.compile(r"(?:^|,)\s*sha-256=:([^:]*):")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A Range header, and the part of the whole that it asks for."""

    header: str
    part: slice


def satisfiable(size: int) -> Iterator[Asked]:
    """Ranges of every form, of a file of at least 100 bytes."""
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
        # Both may ask for more than there is: they get what there is.
        (f"bytes={size - 10}-{size + 1000}", size - 10, size),
        (f"bytes=-{size + 5}", 0, size),
    ):
        yield Asked(header=header, part=slice(start, stop))


def unsatisfiable(size: int) -> tuple[str, ...]:
    """Ranges that begin behind the last byte."""
    return (f"bytes={size}-", f"bytes={size}-{size}", f"bytes={size + 1}-{size + 10}")


DOUBTFUL = (
    "bytes=5-3",
    "bytes=",
    "bytes=-",
    "bytes=a-b",
    "bytes=-0",
    "0-5",
    "bytes 0-5",
    "pages=1-2",
)
"""None of them asks for any bytes: to be ignored or refused, as the server likes."""

MULTIPLE = "bytes=0-1,5-6"


async def content(client: Client, evidence_id: str, byte_range: str | None = None) -> Answer:
    """Download evidence, or a part of it. Any status is given back."""
    return await client.call(
        "getEvidenceContent",
        path={"evidence_id": evidence_id},
        headers={"range": byte_range} if byte_range is not None else None,
    )


def expect_part(answer: Answer, asked: Asked, whole: bytes, mime_type: str) -> None:
    """Fail unless a 206 has these bytes, says where they are from, and is as safe as a 200."""
    expect_status(answer, 206, detail=f"Range: {asked.header}, of {len(whole)} bytes")
    wanted = whole[asked.part]
    expect(
        answer.body == wanted,
        expected=f"{len(wanted)} bytes from {asked.part.start} on for Range: {asked.header}",
        got=f"{len(answer.body)} bytes"
        + (", others" if len(answer.body) == len(wanted) else f", of {len(whole)} in all"),
    )
    expect_equal(
        answer.headers.get("content-range"),
        f"bytes {asked.part.start}-{asked.part.stop - 1}/{len(whole)}",
        f"Content-Range for Range: {asked.header}",
    )
    expect_served(answer, whole, mime_type)


def expect_whole(answer: Answer, whole: bytes, mime_type: str, *, what: str) -> None:
    """Fail unless a 200 has all the bytes, safely."""
    expect_status(answer, 200, detail=what)
    if answer.body != whole:  # to find out where they differ takes a while
        raise CheckFailed(
            expected=f"the {len(whole)} bytes that were uploaded: {what}",
            got=_difference(answer.body, whole),
        )
    expect_served(answer, whole, mime_type)


def expect_served(answer: Answer, whole: bytes, mime_type: str) -> None:
    """Fail unless content comes with its type, as an attachment, not to be sniffed, digested.

    The digest is that of the whole, also with a part (RFC 9530, section 2).
    """
    found = _SHA256.search(answer.headers.get("repr-digest", ""))
    try:
        digest = base64.b64decode(found[1], validate=True) if found else b""
    except binascii.Error:
        digest = b""
    expect(
        digest == hashlib.sha256(whole).digest(),
        expected=f"the sha-256 of all {len(whole)} bytes as Repr-Digest of a {answer.status}",
        got=repr(answer.headers.get("repr-digest")),
    )
    for header, wanted in (
        ("x-content-type-options", "nosniff"),
        ("content-type", mime_type),
        ("content-disposition", "attachment"),
    ):
        got = answer.headers.get(header, "").partition(";")[0].strip().lower()
        expect_equal(got, wanted, f"{header} of evidence content, status {answer.status}")


def expect_beyond(answer: Answer, byte_range: str, size: int) -> None:
    """Fail unless a range behind the end is refused, with the size where that is told."""
    expect_status(answer, 416, detail=f"Range: {byte_range}, of {size} bytes")
    told = answer.headers.get("content-range")
    expect(
        told is None or told.removeprefix("bytes ").strip() == f"*/{size}",
        expected=f"Content-Range: bytes */{size} with the 416 to {byte_range}",
        got=repr(told),
    )


def _difference(got: bytes, wanted: bytes) -> str:
    """Say how two contents differ."""
    at = next((n for n, (a, b) in enumerate(zip(got, wanted, strict=False)) if a != b), None)
    where = f"the first other one at {at}" if at is not None else "one the other's beginning"
    return f"{len(got)} bytes, {where}"
