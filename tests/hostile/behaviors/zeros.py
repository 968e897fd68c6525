"""Megabytes of zeros, deflated: one of them is, and stands there as often as wanted.

Deflating them all took seconds in every process that collects the tests.
"""

import struct
import zlib

MIB = 2**20


def deflated(megabytes: int) -> bytes:
    """A raw deflate stream; after a full flush a piece does not depend on what was before it."""
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = squeezer.compress(bytes(MIB)) + squeezer.flush(zlib.Z_FULL_FLUSH)
    return piece * megabytes + squeezer.flush()


def crc(megabytes: int) -> int:
    value = 0
    for _ in range(megabytes):
        value = zlib.crc32(bytes(MIB), value)
    return value


def gzipped(megabytes: int) -> bytes:
    head = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    return head + deflated(megabytes) + struct.pack("<2L", crc(megabytes), megabytes * MIB)


def zipped(megabytes: int, *, says_crc: int, says_bytes: int) -> bytes:
    """A ZIP with one entry, and what its directory says of it."""
    name, squeezed = b"a", deflated(megabytes)
    local = struct.pack(
        "<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 33, says_crc, len(squeezed), says_bytes, 1, 0
    )
    central = struct.pack(
        "<4s6H3L5H2L",
        *(b"PK\1\2", 20, 20, 0, 8, 0, 33, says_crc, len(squeezed), says_bytes),
        *(1, 0, 0, 0, 0, 0, 0),
    )
    entry = local + name + squeezed
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(central) + 1, len(entry), 0)
    return entry + central + name + end
