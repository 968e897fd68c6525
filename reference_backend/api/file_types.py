"""The allowed evidence types, and whether a file's content matches its declared type.

An `Inspection` gets the file in chunks. It keeps the beginning and, for DOCX only, the end, because
a ZIP file's directory is at its end. Neither grows with the file.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
HEAD_BYTES = 4096
# A larger directory has tens of thousands of entries: that is not a document.
TAIL_BYTES = 1024 * 1024

_MP4_BRANDS = frozenset(
    {"isom", "mp41", "mp42", "avc1", "dash", "MSNV", "M4V ", "M4VH", "M4VP"}
) | {f"iso{version}" for version in range(2, 10)}
_QUICKTIME_BRAND = "qt  "
# Files older than the ftyp box begin with one of these atoms.
_QUICKTIME_ATOMS = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_OLE_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP_END = struct.Struct("<4s4H2LH")
_ZIP_ENTRY = struct.Struct("<4s6H3L5H2L")


@dataclass(frozen=True, kw_only=True)
class FileType:
    """One allowed type: the extension of its objects, and a check of a file's beginning."""

    extension: str
    matches: Callable[[bytes], bool]


def _starts(*signatures: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(signatures)


def _is_webp(head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def _brands(head: bytes) -> list[str]:
    """The major brand, then the compatible ones, of an ISO media file; empty for any other."""
    if head[4:8] != b"ftyp" or len(head) < 12:
        return []
    box = head[: int.from_bytes(head[:4], "big")]
    starts = (8, *range(16, len(box) - 3, 4))
    return [box[start : start + 4].decode("latin-1") for start in starts]


def _is_mp4(head: bytes) -> bool:
    brands = _brands(head)
    return not _MP4_BRANDS.isdisjoint(brands) and brands[0] != _QUICKTIME_BRAND


def _is_quicktime(head: bytes) -> bool:
    return _QUICKTIME_BRAND in _brands(head) or head[4:8] in _QUICKTIME_ATOMS


ALLOWED: Mapping[str, FileType] = {
    "image/jpeg": FileType(extension=".jpg", matches=_starts(b"\xff\xd8\xff")),
    "image/png": FileType(extension=".png", matches=_starts(b"\x89PNG\r\n\x1a\n")),
    "image/gif": FileType(extension=".gif", matches=_starts(b"GIF87a", b"GIF89a")),
    "image/webp": FileType(extension=".webp", matches=_is_webp),
    "application/pdf": FileType(extension=".pdf", matches=_starts(b"%PDF-")),
    "video/mp4": FileType(extension=".mp4", matches=_is_mp4),
    "video/quicktime": FileType(extension=".mov", matches=_is_quicktime),
    "application/msword": FileType(extension=".doc", matches=_starts(_OLE_SIGNATURE)),
    DOCX: FileType(extension=".docx", matches=_starts(b"PK\x03\x04")),
}


class Inspection:
    """Checks one file; `matches()` says whether it can still be of its declared type."""

    def __init__(self, mime_type: str) -> None:
        self.mime_type = mime_type
        self._type = ALLOWED[mime_type]
        self._keeps_tail = mime_type == DOCX
        self._head = b""
        self._tail = bytearray()
        self._size = 0

    def feed(self, data: bytes) -> None:
        """The next bytes of the file."""
        self._size += len(data)
        if len(self._head) < HEAD_BYTES:
            self._head += data[: HEAD_BYTES - len(self._head)]
        if self._keeps_tail:
            self._tail += data
            if len(self._tail) > 2 * TAIL_BYTES:  # not at every chunk, because cutting copies
                del self._tail[:-TAIL_BYTES]

    def matches(self, *, complete: bool) -> bool:
        """False as soon as the content cannot be of the declared type."""
        if not complete and len(self._head) < HEAD_BYTES:
            return True
        if not self._type.matches(self._head):
            return False
        return not (complete and self._keeps_tail) or self._is_document()

    def _is_document(self) -> bool:
        names = set(_zip_names(bytes(self._tail), self._size))
        return b"[Content_Types].xml" in names and any(n.startswith(b"word/") for n in names)


def _zip_names(tail: bytes, size: int) -> Iterator[bytes]:
    """The names in a ZIP file's directory; none if it is malformed or not completely in `tail`.

    The file must be only a ZIP file: no bytes before it, none after.
    """
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) - end < _ZIP_END.size:
        return
    *_, entries, length, offset, comment = _ZIP_END.unpack_from(tail, end)
    position = end - length
    whole = len(tail) - end == _ZIP_END.size + comment and offset + length == size - len(tail) + end
    if position < 0 or not whole:
        return
    for _ in range(entries):
        if position + _ZIP_ENTRY.size > end:
            return
        signature, *fields = _ZIP_ENTRY.unpack_from(tail, position)
        name_length, extra_length, comment_length = fields[9:12]
        if signature != b"PK\x01\x02":
            return
        name_at = position + _ZIP_ENTRY.size
        yield tail[name_at : name_at + name_length]
        position = name_at + name_length + extra_length + comment_length
