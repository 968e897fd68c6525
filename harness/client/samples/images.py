"""One-pixel pictures, each carrying a note where its format has room for a comment."""

import struct
import zlib

_WEBP_PIXEL = bytes.fromhex("2f00000010071011118888fe07")
"""A lossless VP8L stream of one transparent pixel."""


def png(note: bytes, payload: bytes | None = None) -> bytes:
    """Make a one-pixel grey PNG with a text chunk, and a private one for any bytes at all."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(data, zlib.crc32(kind))
        return b"".join((struct.pack(">I", len(data)), kind, data, struct.pack(">I", checksum)))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
        + chunk(b"tEXt", b"Comment\x00" + note)
        + chunk(b"IDAT", zlib.compress(b"\x00\x80"))
        + (b"" if payload is None else chunk(b"prVt", payload))
        + chunk(b"IEND", b"")
    )


def gif(note: bytes) -> bytes:
    """Make a one-pixel GIF with a comment of at most 255 bytes."""
    screen = struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\x00\x00\x00\xff\xff\xff"
    comment = b"\x21\xfe" + bytes([len(note)]) + note + b"\x00"
    picture = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + screen + comment + picture + b"\x3b"


def jpeg(note: bytes) -> bytes:
    """Make a one-pixel grey baseline JPEG with a comment segment."""

    def segment(marker: int, data: bytes) -> bytes:
        return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data

    # Both Huffman tables have one code of one bit, standing for 0: no difference, end of block.
    one_code = bytes([1] + [0] * 15 + [0])
    return (
        b"\xff\xd8"
        + segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
        + segment(0xFE, note)
        + segment(0xDB, b"\x00" + b"\x01" * 64)
        + segment(0xC0, struct.pack(">BHHB", 8, 1, 1, 1) + b"\x01\x11\x00")
        + segment(0xC4, b"\x00" + one_code)
        + segment(0xC4, b"\x10" + one_code)
        + segment(0xDA, b"\x01\x01\x00\x00\x3f\x00")
        + b"\x3f"
        + b"\xff\xd9"
    )


def webp(note: bytes) -> bytes:
    """Make a one-pixel lossless WebP; decoders skip the chunk with the note."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return kind + struct.pack("<I", len(data)) + data + b"\x00" * (len(data) % 2)

    body = b"WEBP" + chunk(b"VP8L", _WEBP_PIXEL) + chunk(b"NOTE", note)
    return b"RIFF" + struct.pack("<I", len(body)) + body
