"""Bodies that do not end, or are not as long as they say."""

import asyncio
import gzip

from tests.hostile.behaviors import zeros
from tests.hostile.server import Request, Write

PLAIN = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
CHUNKED = PLAIN + b"Transfer-Encoding: chunked\r\n\r\n"
PIECE = b'{"a":"' + b"x" * 65_000


GZIP_BOMB = gzip.compress(zeros.gzipped(512), 9)
"""Made beforehand: the servers of other cases run meanwhile."""


async def endless_chunks(_: Request, write: Write) -> None:
    await write(CHUNKED)
    while True:
        await write(b"%x\r\n%s\r\n" % (len(PIECE), PIECE))


async def endless_without_a_length(_: Request, write: Write) -> None:
    await write(PLAIN + b"\r\n")
    while True:
        await write(PIECE)


async def endless_failure(_: Request, write: Write) -> None:
    await write(b"HTTP/1.1 500 Oh\r\nContent-Type: application/zip\r\n\r\n")
    while True:
        await write(PIECE)


async def a_byte_now_and_then(_: Request, write: Write) -> None:
    await write(PLAIN + b"Content-Length: 1000000\r\n\r\n")
    while True:
        await write(b"[")
        await asyncio.sleep(0.5)


async def shorter_than_its_length(_: Request, write: Write) -> None:
    await write(PLAIN + b'Content-Length: 1000\r\n\r\n{"data":{}}')


async def longer_than_its_length(_: Request, write: Write) -> None:
    await write(PLAIN + b'Content-Length: 5\r\n\r\n{"data":{"id":"1"}}' + b"x" * 1000)


async def a_length_of_exabytes(_: Request, write: Write) -> None:
    await write(PLAIN + b"Content-Length: 1000000000000000000\r\n\r\n")
    while True:
        await write(PIECE)


async def a_negative_length(_: Request, write: Write) -> None:
    await write(PLAIN + b"Content-Length: -1\r\n\r\n{}")


async def two_lengths(_: Request, write: Write) -> None:
    await write(PLAIN + b"Content-Length: 2\r\nContent-Length: 20\r\n\r\n{}")


async def garbage_for_a_chunk(_: Request, write: Write) -> None:
    await write(CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n")


async def a_chunk_of_exabytes(_: Request, write: Write) -> None:
    await write(CHUNKED + b"fffffffffffffff\r\n")
    while True:
        await write(PIECE)


async def chunks_of_a_byte(_: Request, write: Write) -> None:
    await write(CHUNKED)
    while True:
        await write(b"1\r\nx\r\n" * 10_000)


async def a_gzip_bomb(_: Request, write: Write) -> None:
    head = b"Content-Encoding: gzip, gzip\r\nContent-Length: %d\r\n\r\n" % len(GZIP_BOMB)
    await write(PLAIN + head + GZIP_BOMB)
