import io
import struct
import warnings
import zipfile
import zlib

import pytest

from harness.untrusted import archives
from harness.untrusted.archives import BadArchive, unpacked


def zipped(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as archive:
        warnings.simplefilter("ignore", UserWarning)
        for name, content in entries:
            # A date of its own: ids of tests must not change with the time.
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            archive.writestr(entry, content, method)
    return buffer.getvalue()


def claiming(body: bytes, size: int) -> bytes:
    """The same ZIP of one entry, whose directory says another size."""
    at = body.index(b"PK\x01\x02") + 24
    return body[:at] + struct.pack("<I", size) + body[at + 4 :]


def encrypted() -> bytes:
    body = bytearray(zipped(("a", b"x")))
    body[body.index(b"PK\x01\x02") + 8] |= 1
    body[6] |= 1
    return bytes(body)


def garbled() -> bytes:
    body = bytearray(zipped(("a", b"x" * 1000)))
    start = 30 + 1
    body[start : start + 4] = b"\xff\xff\xff\xff"
    return bytes(body)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_entries_are_unpacked(method: int) -> None:
    body = zipped(("a", b""), ("b/c", b"x" * 300_000), method=method)
    assert unpacked(body) == {"a": b"", "b/c": b"x" * 300_000}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not a zip file"),
        (b"PK\x05\x06", "not a zip file"),
        (zipped(("a", b"x"))[:-4], "not a zip file"),
        (zipped(("a", b"1"), ("a", b"2")), "'a' twice"),
        (zipped(("a", b"x"), method=zipfile.ZIP_LZMA), "neither stored nor deflated"),
        (zipped(("a", b"x"), method=zipfile.ZIP_BZIP2), "neither stored nor deflated"),
        (claiming(zipped(("a", b"x")), 2**31), "unpacks to more than"),
        (claiming(zipped(("a", b"x" * 5000)), 10), "CRC"),
        (encrypted(), "encrypted"),
        (garbled(), "decompressing"),
    ],
)
def test_a_bad_archive_is_refused_with_the_reason(body: bytes, reason: str) -> None:
    with pytest.raises(BadArchive, match=reason):
        unpacked(body)


def test_a_directory_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_ENTRIES", 2)
    assert len(unpacked(zipped(("a", b""), ("b", b"")))) == 2
    with pytest.raises(BadArchive, match="more than 2 entries"):
        unpacked(zipped(("a", b""), ("b", b""), ("c", b"")))


def test_many_entries_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 1000)
    assert len(unpacked(zipped(("a", b"x" * 500), ("b", b"x" * 500)))) == 2
    with pytest.raises(BadArchive, match="more than 1000 bytes"):
        unpacked(zipped(("a", b"x" * 500), ("b", b"x" * 501)))


def test_an_entry_is_inflated_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one step, zipfile inflates an entry of ten bytes to two gigabytes before it looks."""
    largest = 0
    original = zlib.decompressobj

    class Watched:
        def __init__(self, wbits: int) -> None:
            self._inner = original(wbits)

        def decompress(self, data: bytes, most: int = 0) -> bytes:
            nonlocal largest
            given = self._inner.decompress(data, most)
            largest = max(largest, len(given))
            return given

        def __getattr__(self, name: str) -> object:
            return getattr(self._inner, name)

    monkeypatch.setattr(zlib, "decompressobj", Watched)
    with pytest.raises(BadArchive):
        unpacked(claiming(zipped(("a", bytes(64 * 2**20))), 10))
    assert 0 < largest <= 2**20
