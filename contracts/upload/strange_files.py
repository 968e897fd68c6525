"""Files that are not what somebody says they are: beginnings of every kind, and damaged ones."""

import gzip
import io
import random
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.client import ALLOWED_TYPES, Sample

MP4, QUICKTIME = "video/mp4", "video/quicktime"
MSWORD = "application/msword"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

REFUSED_TYPES = (
    "text/plain",
    "text/html",
    "text/html; x=image/png",
    "image/svg+xml",
    "image/bmp",
    "image/tiff",
    "image/heic",
    "image/png2",
    "image/pn",
    "image/*",
    "x-image/png",
    "application/octet-stream",
    "application/zip",
    "application/x-msdownload",
    "application/javascript",
    "application/pdfx",
    "application/rtf",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.ms-word.document.macroEnabled.12",
    "video/webm",
    "video/mpeg",
    "audio/mpeg",
    "audio/mp4",
)
"""Types that are not among the nine, some of them nearly."""

HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
TEXT = b"Dear Sir or Madam, this is a letter.\n"
PROGRAM = b"MZ\x90\x00\x03\x00\x00\x00" + bytes(56) + b"PE\x00\x00"
BITMAP = b"BM" + struct.pack("<IHHI", 58, 0, 0, 54) + bytes(44)


@dataclass(frozen=True, kw_only=True)
class Strange:
    """Bytes, and the types that they must not pass for."""

    what: str
    content: bytes = field(repr=False)
    not_of: tuple[str, ...]


def _riff(kind: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 36) + kind + b"fmt \x10\x00\x00\x00" + bytes(24)


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("notes.txt"), "nothing of a document")
    return buffer.getvalue()


def honest_others() -> Iterator[Sample]:
    """Files that are what they say they are, and still no evidence."""
    yield Sample("letter.txt", "text/plain", TEXT)
    yield Sample("page.html", "text/html", HTML)
    yield Sample("drawing.svg", "image/svg+xml", SVG)
    yield Sample("picture.bmp", "image/bmp", BITMAP)
    yield Sample("setup.exe", "application/x-msdownload", PROGRAM)
    yield Sample("files.zip", "application/zip", _zip())
    yield Sample("data.json", "application/json", b"{}")


def of_no_allowed_type(rng: random.Random) -> Iterator[Strange]:
    """Files of kinds that are never evidence, text and HTML for every type, others for some.

    A plain ZIP is spared for DOCX, which is one: how far a backend looks into it is its choice.
    """
    yield Strange(what="plain text", content=TEXT, not_of=ALLOWED_TYPES)
    yield Strange(what="HTML", content=HTML, not_of=ALLOWED_TYPES)
    yield Strange(what="a WAV, RIFF as WebP is", content=_riff(b"WAVE"), not_of=("image/webp",))
    yield Strange(what="an AVI, RIFF as WebP is", content=_riff(b"AVI "), not_of=("image/webp",))
    yield Strange(what="a ZIP", content=_zip(), not_of=(MSWORD, "image/png", "application/pdf"))
    for what, content in (
        ("SVG", SVG),
        ("a shell script", b"#!/bin/sh\nrm -rf /\n"),
        ("a Windows program", PROGRAM),
        ("a Linux program", b"\x7fELF\x02\x01\x01" + bytes(57)),
        ("gzip", gzip.compress(b"something", mtime=0)),
        ("a bitmap", BITMAP),
        ("TIFF", b"II*\x00\x08\x00\x00\x00" + bytes(32)),
        ("Matroska", b"\x1aE\xdf\xa3" + bytes(60)),
        ("NULs", bytes(64)),
        ("a single byte", b"x"),
        ("the names of types", b"PNG GIF JPEG WEBP PDF ftyp"),
    ):
        yield Strange(what=what, content=content, not_of=tuple(rng.sample(ALLOWED_TYPES, 3)))


_TOO_SHORT = {
    "image/jpeg": 2,
    "image/png": 3,
    "image/gif": 2,
    "image/webp": 8,
    "application/pdf": 3,
    MP4: 6,
    QUICKTIME: 3,
    MSWORD: 3,
    DOCX: 2,
}
"""How much of a file's beginning does not say yet what it is."""


def damaged(sample: Sample) -> Iterator[Strange]:
    """A real file with its beginning spoilt: it is no longer what it was."""
    own = (sample.mime_type,)
    cut = _TOO_SHORT[sample.mime_type]
    yield Strange(what=f"the first {cut} bytes alone", content=sample.content[:cut], not_of=own)
    inverted = bytes(each ^ 0xFF for each in sample.content)
    yield Strange(what="the same with every bit inverted", content=inverted, not_of=own)
    if sample.mime_type != DOCX:  # a ZIP is read from its end
        hidden = HTML + b" " * 2048 + sample.content
        yield Strange(what="HTML, and the file behind it", content=hidden, not_of=own)
    if not sample.content[:4].isascii():
        garbled = sample.content.decode("latin-1").encode("utf-8")
        yield Strange(what="read as Latin-1, written as UTF-8", content=garbled, not_of=own)


def tell_apart(declared: str, actual: str) -> bool:
    """Whether magic bytes tell one allowed type from another.

    MP4 and QuickTime share their first box; which of its brands make a difference is a choice.
    """
    return declared != actual and {declared, actual} != {MP4, QUICKTIME}
