import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from harness.instances.readiness import ask
from harness.machine.ports import free_port

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[str]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"


def says(answer: bytes, *, keep_open: bool = False) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        if keep_open:
            await reader.read()

    return serve


@pytest.mark.parametrize(
    ("answer", "ready", "text"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nfine", True, "200"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True, "204"),
        (EARLY + b"HTTP/1.1 200 OK\r\n\r\nfine", True, "200"),
        (EARLY * 3 + b"HTTP/1.1 503 Busy\r\n\r\ngone", False, "503 gone"),
        (
            b"HTTP/1.0 503 Busy\r\nX: y\r\n\r\n{\n  database: gone\n}",
            False,
            "503 { database: gone }",
        ),
        (b"HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n", False, "302"),
        (b"HTTP/1.1 503", False, "503"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", False, "an answer that is not HTTP: "),
        (b"HTTP/1.1 twohundred\r\n\r\n", False, "an answer that is not HTTP: "),
        (b"", False, "an answer that is not HTTP: b''"),
        (b"\xff\xfe\r\n\r\n", False, "an answer that is not HTTP: "),
    ],
)
@pytest.mark.parametrize("keep_open", [False, True])
async def test_answers(answer: bytes, ready: bool, text: str, keep_open: bool) -> None:
    # A server that keeps a half answer open is another test's: that one ends at the deadline.
    keep_open = keep_open and b"\r\n\r\n" in answer
    async with serving(says(answer, keep_open=keep_open)) as url:
        got = await ask(url, "/readyz", 2)
    assert got.is_ready is ready
    assert got.text.startswith(text.partition(" b''")[0] if text.endswith("b''") else text)


async def test_the_request() -> None:
    seen = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.extend(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")

    async with serving(serve) as url:
        await ask(url + "/prefix/", "/readyz", 2)
    assert seen.startswith(b"GET /prefix/readyz HTTP/1.1\r\nHost: 127.0.0.1:")


async def test_nobody_listens() -> None:
    got = await ask(f"http://127.0.0.1:{free_port()}", "/", 2)
    assert (got.status, got.text) == (None, "Connection refused")


async def test_no_such_host() -> None:
    got = await ask("http://no-such-host.invalid", "/", 5)
    assert got.status is None
    assert got.text


async def test_a_server_that_accepts_and_says_nothing() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        got = await ask(f"http://127.0.0.1:{silent.getsockname()[1]}", "/", 0.2)
    assert got.text == "no answer within 0.2 s"
    assert time.monotonic() - began < 2


async def test_endless_answers_are_bounded() -> None:
    sent = 0

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 500 Oh\r\n")
        while True:
            writer.write(b"X-Header: " + b"x" * 8192 + b"\r\n")
            sent += 8192
            await writer.drain()

    began = time.monotonic()
    async with serving(serve) as url:
        got = await ask(url, "/", 5)
    assert got.status == 500
    assert len(got.text) < 1000
    assert time.monotonic() - began < 5
    assert sent < 64 * 2**20


async def test_a_byte_a_moment_ends_at_the_deadline() -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in b"HTTP/1.1 200 OK\r\n" * 100:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.05)

    async with serving(serve) as url:
        got = await ask(url, "/", 0.3)
    assert got.text == "no answer within 0.3 s"


async def test_a_connection_that_is_cut() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    async with serving(serve) as url:
        got = await ask(url, "/", 2)
    assert got.status is None
