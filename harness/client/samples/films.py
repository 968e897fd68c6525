"""Films without a frame: the boxes that every player and sniffer looks at first."""

import struct


def mp4(note: bytes, payload: bytes | None = None) -> bytes:
    """Make an MP4 with a file type box and an empty movie of one second, and any media data."""
    film = _film(b"isom" + struct.pack(">I", 512) + b"isomiso2mp41", note)
    return film if payload is None else b"".join((film, _box(b"mdat", payload)))


def quicktime(note: bytes) -> bytes:
    """Make a QuickTime film with a file type box and an empty movie of one second."""
    return _film(b"qt  " + struct.pack(">I", 0x20050300) + b"qt  ", note)


def _film(brands: bytes, note: bytes) -> bytes:
    unity = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    header = (
        struct.pack(">IIIII", 0, 0, 0, 1000, 1000)  # version and flags, times, scale, duration
        + struct.pack(">IH10x", 0x10000, 0x100)  # rate 1.0, volume 1.0
        + unity
        + struct.pack(">24xI", 2)  # next track id
    )
    return _box(b"ftyp", brands) + _box(b"free", note) + _box(b"moov", _box(b"mvhd", header))


def _box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data) + 8) + kind + data
