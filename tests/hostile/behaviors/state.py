"""Lists and exports that never come to an end, and state that clients are asked to carry."""

import base64
import hashlib
import itertools
import struct
import zlib

from tests.hostile.behaviors import zeros
from tests.hostile.server import Behavior, Request, Write, answer, data, honest

_numbers = itertools.count()


async def a_list_without_end(_: Request, write: Write) -> None:
    await write(answer(b'{"data": [], "next_cursor": "%d"}' % next(_numbers)))


async def a_list_in_circles(_: Request, write: Write) -> None:
    await write(answer(b'{"data": [{"id": "1"}], "next_cursor": "again"}'))


async def a_list_of_large_pages(_: Request, write: Write) -> None:
    items = b",".join([b'{"a":{}}'] * 440_000)
    await write(answer(b'{"data": [%s], "next_cursor": "%d"}' % (items, next(_numbers))))


async def a_cursor_of_another_type(_: Request, write: Write) -> None:
    await write(answer(b'{"data": [], "next_cursor": {"$gt": ""}}'))


async def always_queued(_: Request, write: Write) -> None:
    await write(data({"id": "e", "state": "queued", "attempt": 0}))


async def a_state_of_another_type(_: Request, write: Write) -> None:
    await write(data({"id": "e", "state": ["ready"]}))


async def a_cookie(request: Request, write: Write) -> None:
    if request.header("cookie"):
        await write(data({}, "500 A client of another organization brings a cookie"))
    else:
        cookie = "Set-Cookie: session=first; Path=/"
        await write(honest(request).replace(b"\r\n", f"\r\n{cookie}\r\n".encode(), 1))


async def a_second_answer_unasked(request: Request, write: Write) -> None:
    await write(data({"id": request.path}) + data({"id": "of nobody's request"}))


def file_of(body: bytes) -> Behavior:
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()

    async def behavior(_: Request, write: Write) -> None:
        head = answer(b"", "200 OK", f"Repr-Digest: sha-256=:{digest}:")
        head = head.replace(b"application/json", b"application/zip")
        await write(head.replace(b"Content-Length: 0", b"Content-Length: %d" % len(body)))
        for start in range(0, len(body), 2**20):
            await write(body[start : start + 2**20])

    return behavior


async def ninety_megabytes(_: Request, write: Write) -> None:
    size, piece = 90 * 2**20, bytes(2**20)
    await write(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\nContent-Length: %d\r\n\r\n" % size
    )
    for _number in range(90):
        await write(piece)


async def an_endless_file(_: Request, write: Write) -> None:
    await write(b"HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\n\r\n")
    while True:
        await write(bytes(2**18))


def _many_entries() -> bytes:
    """A directory of a million entries, none of which is there."""
    count = 1_000_000
    central = struct.pack(
        "<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0
    )
    directory = (central + b"a") * count
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, len(directory), 0, 0)
    return directory + end


a_lying_bomb = file_of(zeros.zipped(1024, says_crc=zlib.crc32(b""), says_bytes=10))
"""An entry that says it has ten bytes, and inflates to a gigabyte."""
an_honest_bomb = file_of(zeros.zipped(300, says_crc=zeros.crc(300), says_bytes=300 * zeros.MIB))
many_entries = file_of(_many_entries())
