"""Heads that do not end, or are none; and servers that do not let it come to one."""

import asyncio

from tests.hostile.server import Request, Write, honest

LINE = b"X-Endless: " + b"x" * 4000 + b"\r\n"


async def endless_headers(_: Request, write: Write) -> None:
    await write(b"HTTP/1.1 200 OK\r\n")
    while True:
        await write(LINE * 16)


async def an_endless_header(_: Request, write: Write) -> None:
    await write(b"HTTP/1.1 200 OK\r\nX-Endless: ")
    while True:
        await write(b"x" * 65_536)


async def an_endless_status_line(_: Request, write: Write) -> None:
    await write(b"HTTP/1.1 200 ")
    while True:
        await write(b"x" * 65_536)


async def a_hundred_megabytes_of_headers(request: Request, write: Write) -> None:
    await write(b"HTTP/1.1 201 Created\r\n")
    for _ in range(25_000):
        await write(LINE)
    await write(honest(request).partition(b"\r\n")[2])


async def a_header_byte_now_and_then(_: Request, write: Write) -> None:
    await write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        await write(b"x")
        await asyncio.sleep(0.5)


async def endless_interim_answers(_: Request, write: Write) -> None:
    while True:
        await write(b"HTTP/1.1 102 Processing\r\n\r\n" * 100)
        await asyncio.sleep(0.02)  # it ends by its deadline, which takes no core of its own


async def silence(_: Request, __: Write) -> None:
    await asyncio.sleep(3600)


async def a_closed_door(_: Request, __: Write) -> None:
    """Closes at once."""


async def binary_garbage(_: Request, write: Write) -> None:
    await write(bytes(range(256)) * 100)


async def http_0_9(_: Request, write: Write) -> None:
    await write(b"<html>\x1b[31mhello</html>")


async def control_characters_in_a_header(_: Request, write: Write) -> None:
    await write(b"HTTP/1.1 201 Created\r\nX-Request-ID: a\0b\x1b[31m\r\n")
    await write(b"Content-Length: 2\r\n\r\n{}")
