import io
import random
import struct
import zipfile
import zlib

import pytest

from harness.client import ALLOWED_TYPES, Sample, Samples

MAGIC = {
    "image/jpeg": (0, b"\xff\xd8\xff"),
    "image/png": (0, b"\x89PNG\r\n\x1a\n"),
    "image/gif": (0, b"GIF89a"),
    "image/webp": (8, b"WEBPVP8L"),
    "application/pdf": (0, b"%PDF-1."),
    "video/mp4": (4, b"ftypisom"),
    "video/quicktime": (4, b"ftypqt  "),
    "application/msword": (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (0, b"PK\x03\x04"),
}


def samples(seed: int = 1) -> list[Sample]:
    return list(Samples(random.Random(seed), repeatable=True).one_of_each())


def of_type(mime_type: str) -> bytes:
    return Samples(random.Random(1)).new(mime_type).content


def test_there_is_a_file_of_each_of_the_nine_types() -> None:
    assert [sample.mime_type for sample in samples()] == list(ALLOWED_TYPES)
    assert len(ALLOWED_TYPES) == 9


@pytest.mark.parametrize("mime_type", ALLOWED_TYPES)
def test_magic_bytes_are_in_their_place(mime_type: str) -> None:
    offset, magic = MAGIC[mime_type]
    assert of_type(mime_type)[offset:].startswith(magic)


def test_no_two_files_are_alike_and_a_seed_gives_the_same_ones_again() -> None:
    made = Samples(random.Random(7))
    digests = [made.new(mime_type).sha256 for mime_type in ALLOWED_TYPES * 3]
    assert len(set(digests)) == 27
    assert samples(1) == samples(1)
    assert not {each.sha256 for each in samples(1)} & {each.sha256 for each in samples(2)}


def test_the_same_seed_gives_new_files_of_the_same_sizes_in_another_run() -> None:
    one, other = (Samples(random.Random(1)) for _ in range(2))
    for made, again in (
        (one.new(), other.new()),
        (one.of_size(70_000), other.of_size(70_000)),
        (one.carrying(b"payload"), other.carrying(b"payload")),
    ):
        assert (made.file_name, made.size) == (again.file_name, again.size)
        assert made.sha256 != again.sha256


def png_chunks(content: bytes) -> dict[bytes, bytes]:
    position, chunks = 8, {}
    while position < len(content):
        (length,) = struct.unpack_from(">I", content, position)
        kind, data = content[position + 4 :][:4], content[position + 8 :][:length]
        (checksum,) = struct.unpack_from(">I", content, position + 8 + length)
        assert checksum == zlib.crc32(kind + data)
        chunks[kind] = data
        position += 12 + length
    return chunks


def test_the_png_decodes_to_one_pixel_with_right_checksums() -> None:
    chunks = png_chunks(of_type("image/png"))
    assert list(chunks) == [b"IHDR", b"tEXt", b"IDAT", b"IEND"]
    assert len(zlib.decompress(chunks[b"IDAT"])) == 2


def test_the_riff_and_film_boxes_add_up_to_the_file() -> None:
    webp = of_type("image/webp")
    assert struct.unpack_from("<I", webp, 4)[0] + 8 == len(webp)
    for mime_type in ("video/mp4", "video/quicktime"):
        film, position, kinds = of_type(mime_type), 0, []
        while position < len(film):
            kinds.append(film[position + 4 :][:4])
            position += struct.unpack_from(">I", film, position)[0]
        assert (kinds, position) == ([b"ftyp", b"free", b"moov"], len(film))


def test_the_offsets_of_the_pdf_lead_to_its_objects() -> None:
    pdf = of_type("application/pdf")
    start = int(pdf.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
    entries = pdf[start:].split(b"\n")[3:7]
    for number, entry in enumerate(entries, 1):
        assert pdf[int(entry[:10]) :].startswith(b"%d 0 obj" % number)


def test_the_docx_is_a_sound_zip_with_a_document() -> None:
    name = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    with zipfile.ZipFile(io.BytesIO(of_type(name))) as archive:
        assert archive.testzip() is None
        assert archive.namelist()[0] == "[Content_Types].xml"
        assert b"shakedown" in archive.read("word/document.xml")


def test_the_doc_names_its_one_stream() -> None:
    content = of_type("application/msword")
    assert len(content) % 512 == 0
    assert "WordDocument".encode("utf-16-le") in content[1024:1536]
    assert content[1536:1540] == b"\xec\xa5\xc1\x00"


@pytest.mark.parametrize("mime_type", ["image/png", "video/mp4"])
@pytest.mark.parametrize("size", [400, 65_535, 65_536, 65_537, 200_001])
def test_a_sample_of_a_size_has_that_size(mime_type: str, size: int) -> None:
    made = Samples(random.Random(1))
    first, second = made.of_size(size, mime_type), made.of_size(size, mime_type)
    assert (first.size, second.size) == (size, size)
    assert first.sha256 != second.sha256
    stretches = {first.content[at : at + 65_536] for at in range(0, size - 65_536, 4096)}
    assert len(stretches) == len(range(0, size - 65_536, 4096))


def test_a_sample_cannot_be_smaller_than_its_frame() -> None:
    with pytest.raises(ValueError, match="the smallest image/png here has"):
        Samples(random.Random(1)).of_size(10)


def test_a_sample_carries_any_bytes() -> None:
    payload = bytes(range(256)) * 3
    picture = Samples(random.Random(1)).carrying(payload).content
    chunks = png_chunks(picture)
    assert chunks[b"prVt"] == payload
    assert list(chunks)[-1] == b"IEND"
