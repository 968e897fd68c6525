"""The types of files that may be filed, and how their bytes begin."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "application/msword": "doc",
    _DOCX: "docx",
}
HEAD_BYTES = 32


def begins_like(content_type: str, head: bytes) -> bool:
    """Whether a file whose first bytes are `head` can be of this type."""
    match content_type:
        case "image/jpeg":
            return head.startswith(b"\xff\xd8\xff")
        case "image/png":
            return head.startswith(b"\x89PNG\r\n\x1a\n")
        case "image/gif":
            return head.startswith((b"GIF87a", b"GIF89a"))
        case "image/webp":
            return head.startswith(b"RIFF") and head[8:12] == b"WEBP"
        case "application/pdf":
            return head.startswith(b"%PDF-")
        case "video/mp4":
            return head[4:8] == b"ftyp" and head[8:12] != b"qt  "
        case "video/quicktime":
            return head[4:8] in (b"moov", b"mdat", b"wide", b"free") or head[4:12] == b"ftypqt  "
        case "application/msword":
            return head.startswith(_OLE)
    return content_type == _DOCX and head.startswith(b"PK\x03\x04")
