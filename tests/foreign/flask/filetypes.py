"""Which files are taken, and by which first bytes they are known."""

from collections.abc import Callable

HEAD_BYTES = 128  # enough to recognize every type
_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_OFFICE_PARTS = (b"[Content_Types].xml", b"_rels/", b"docProps/", b"word/", b"customXml/")
_QUICKTIME_ATOMS = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")


def _starts(*beginnings: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(beginnings)


def _webp(head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def _mp4(head: bytes) -> bool:
    return head[4:8] == b"ftyp" and head[8:12] != b"qt  "


def _quicktime(head: bytes) -> bool:
    return head[4:12] == b"ftypqt  " or head[4:8] in _QUICKTIME_ATOMS


def _docx(head: bytes) -> bool:
    # A ZIP whose first entry is one that office documents begin with.
    return head[:4] == b"PK\x03\x04" and head[30:].startswith(_OFFICE_PARTS)


_KNOWN_BY: dict[str, Callable[[bytes], bool]] = {
    "image/jpeg": _starts(b"\xff\xd8\xff"),
    "image/png": _starts(b"\x89PNG\r\n\x1a\n"),
    "image/gif": _starts(b"GIF87a", b"GIF89a"),
    "image/webp": _webp,
    "application/pdf": _starts(b"%PDF-"),
    "video/mp4": _mp4,
    "video/quicktime": _quicktime,
    "application/msword": _starts(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    _DOCX: _docx,
}


def plain(content_type: str) -> str:
    """A media type without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def taken(media_type: str) -> bool:
    """Whether files of this type are taken at all."""
    return media_type in _KNOWN_BY


def fits(media_type: str, head: bytes, name: str) -> bool:
    """Whether a file that begins so is of the type. Its `name` proves nothing."""
    return _KNOWN_BY[media_type](head)


def extension(media_type: str) -> str:
    """What names of such files in a bundle end in."""
    special = {
        "image/jpeg": "jpg",
        "video/quicktime": "mov",
        "application/msword": "doc",
        _DOCX: "docx",
    }
    return special.get(media_type) or media_type.partition("/")[2]
