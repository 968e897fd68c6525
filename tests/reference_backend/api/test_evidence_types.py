"""What the bytes of a file say, beside what it declares to be."""

import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_backend.api.file_types import ALLOWED, DOCX, TAIL_BYTES, Inspection


def zipped(*names: str, payload: bytes = b"x", comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, payload)
        archive.comment = comment
    return buffer.getvalue()


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    body = b"ftyp" + major + b"\0\0\0\0" + b"".join(compatible)
    return struct.pack(">I", len(body) + 4) + body + b"\0\0\0\x08free"


DOCUMENT = zipped("[Content_Types].xml", "_rels/.rels", "word/document.xml")
SAMPLES = {
    "image/jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/gif": b"GIF89a",
    "image/webp": b"RIFF\x24\x00\x00\x00WEBPVP8 ",
    "application/pdf": b"%PDF-1.7\n",
    "video/mp4": ftyp(b"isom", b"iso2", b"mp41"),
    "video/quicktime": ftyp(b"qt  ", b"qt  "),
    "application/msword": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512),
    DOCX: DOCUMENT,
}


def matches(mime_type: str, content: bytes, chunk: int = 1 << 20) -> bool:
    inspection = Inspection(mime_type)
    for start in range(0, len(content), chunk):
        inspection.feed(content[start : start + chunk])
        if not inspection.matches(complete=False):
            return False
    return inspection.matches(complete=True)


def test_there_is_a_sample_of_every_type() -> None:
    assert SAMPLES.keys() == ALLOWED.keys()


@pytest.mark.parametrize("declared", ALLOWED)
@pytest.mark.parametrize("real", ALLOWED)
def test_each_type_is_itself_and_no_other(declared: str, real: str) -> None:
    for chunk in (1, 3, 1 << 20):
        assert matches(declared, SAMPLES[real], chunk) is (declared == real)


@pytest.mark.parametrize("declared", ALLOWED)
@given(content=st.binary(max_size=100))
def test_noise_is_nothing(declared: str, content: bytes) -> None:
    assert not matches(declared, b"no" + content)
    assert not matches(declared, b"")


@pytest.mark.parametrize("declared", ALLOWED)
def test_a_wrong_head_is_seen_before_the_end(declared: str) -> None:
    inspection = Inspection(declared)
    inspection.feed(b"text" * 2000)
    assert not inspection.matches(complete=False)


@pytest.mark.parametrize(
    ("declared", "content"),
    [
        ("video/mp4", ftyp(b"mp42", b"mp42", b"isom")),
        ("video/mp4", ftyp(b"M4V ", b"M4V ", b"mp42")),
        ("video/mp4", ftyp(b"XXXX", b"isom")),
        ("video/quicktime", ftyp(b"qt  ")),
        ("video/quicktime", b"\0\0\0\x08wide\0\0\0\x08mdat"),
        ("image/gif", b"GIF87a"),
    ],
)
def test_relatives_that_count(declared: str, content: bytes) -> None:
    assert matches(declared, content)


@pytest.mark.parametrize(
    ("declared", "content"),
    [
        ("video/mp4", ftyp(b"heic", b"mif1")),
        ("video/mp4", ftyp(b"qt  ", b"isom")),
        ("video/mp4", b"\0\0\0\x04ftyp"),
        ("video/mp4", b"\0\0\0\x18mdatisom"),
        ("image/webp", b"RIFF\x24\x00\x00\x00WAVEfmt "),
        ("application/pdf", b"\n%PDF-1.7"),
        (DOCX, zipped("[Content_Types].xml", "xl/workbook.xml")),
        (DOCX, zipped("word/document.xml")),
        (DOCX, zipped()),
        (DOCX, DOCUMENT[:-1]),
        (DOCX, DOCUMENT + b"something after it"),
        (DOCX, b"PK\x03\x04 something before it" + DOCUMENT),
        (DOCX, b"PK\x03\x04"),
        (DOCX, b"PK\x03\x04" + b"PK\x05\x06" + b"\xff" * 18),
        (DOCX, b"PK\x03\x04" + b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 9, 9, 99, 0, 0)),
    ],
)
def test_relatives_that_do_not(declared: str, content: bytes) -> None:
    assert not matches(declared, content)


def test_a_large_document_is_recognized_by_its_end() -> None:
    content = zipped(
        "[Content_Types].xml", "word/document.xml", payload=bytes(3 * TAIL_BYTES), comment=b"hello"
    )
    for chunk in (65536, 100_003, 1 << 30):
        assert matches(DOCX, content, chunk)


def test_an_inspection_does_not_grow_with_its_file() -> None:
    inspection = Inspection(DOCX)
    for _ in range(200):
        inspection.feed(bytes(65536))
        assert len(inspection._tail) <= 2 * TAIL_BYTES + 65536
