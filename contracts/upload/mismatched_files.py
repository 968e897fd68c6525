"""Files whose content is not of the declared type, and damaged files."""

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
"""Types that are not allowed, some of them similar to allowed ones."""

HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
TEXT = b"Dear Sir or Madam, this is a letter.\n"
PROGRAM = b"MZ\x90\x00\x03\x00\x00\x00" + bytes(56) + b"PE\x00\x00"
BITMAP = b"BM" + struct.pack("<IHHI", 58, 0, 0, 54) + bytes(44)


@dataclass(frozen=True)
class MismatchedFile:
    """Content, and the declared types under which it must be refused."""

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


def files_of_other_types() -> Iterator[Sample]:
    """Files of the declared type, which is not an allowed one."""
    yield Sample("letter.txt", "text/plain", TEXT)
    yield Sample("page.html", "text/html", HTML)
    yield Sample("drawing.svg", "image/svg+xml", SVG)
    yield Sample("picture.bmp", "image/bmp", BITMAP)
    yield Sample("setup.exe", "application/x-msdownload", PROGRAM)
    yield Sample("files.zip", "application/zip", _zip())
    yield Sample("data.json", "application/json", b"{}")


def of_no_allowed_type(rng: random.Random) -> Iterator[MismatchedFile]:
    """Content that is never evidence: text and HTML for every type, others for some.

    A plain ZIP is not declared as DOCX, which is a ZIP: how closely a backend looks is its choice.
    """
    webp, no_zip = ("image/webp",), (MSWORD, "image/png", "application/pdf")
    yield MismatchedFile("plain text", TEXT, ALLOWED_TYPES)
    yield MismatchedFile("HTML", HTML, ALLOWED_TYPES)
    yield MismatchedFile("a WAV, RIFF as WebP is", _riff(b"WAVE"), webp)
    yield MismatchedFile("an AVI, RIFF as WebP is", _riff(b"AVI "), webp)
    yield MismatchedFile("a ZIP", _zip(), no_zip)
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
        yield MismatchedFile(what, content, tuple(rng.sample(ALLOWED_TYPES, 3)))


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
"""How many of a file's first bytes do not identify its type."""


def damaged(sample: Sample) -> Iterator[MismatchedFile]:
    """A real file with a damaged beginning: it is no longer of its type."""
    own = (sample.mime_type,)
    cut = _TOO_SHORT[sample.mime_type]
    yield MismatchedFile(f"the first {cut} bytes alone", sample.content[:cut], own)
    inverted = bytes(each ^ 0xFF for each in sample.content)
    yield MismatchedFile("the same with every bit inverted", inverted, own)
    if sample.mime_type != DOCX:  # a ZIP is read from its end
        hidden = HTML + b" " * 2048 + sample.content
        yield MismatchedFile("HTML, and the file after it", hidden, own)
    if not sample.content[:4].isascii():
        garbled = sample.content.decode("latin-1").encode("utf-8")
        yield MismatchedFile("read as Latin-1, written as UTF-8", garbled, own)


def is_distinguishable(declared: str, actual: str) -> bool:
    """Whether magic bytes distinguish two allowed types.

    MP4 and QuickTime have the same first box, and which of its brands count is a choice.
    """
    return declared != actual and {declared, actual} != {MP4, QUICKTIME}
