"""A server that does to its clients whatever a behavior says, on bare sockets."""

import asyncio
import contextlib
import json
import ssl
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

MOST_BODY_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked."""

    method: str
    path: str
    """Without its query."""
    head: str

    def header(self, name: str) -> str:
        """A header's value, empty when it was not sent."""
        for line in self.head.split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name:
                return value.strip()
        return ""


Write = Callable[[bytes], Awaitable[None]]
"""Send bytes; returns when the client has room for more."""

Behavior = Callable[[Request, Write], Awaitable[None]]
"""Answers one request. When it returns the connection is closed, unless the server keeps it."""


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """A whole and honest answer."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}"]).encode() + b"\r\n\r\n" + body


def data(value: object, status: str = "200 OK", *headers: str) -> bytes:
    """An honest answer in the contract's envelope."""
    return answer(json.dumps({"data": value}).encode(), status, *headers)


def honest(request: Request) -> bytes:
    """What a backend that makes jobs would say."""
    status = "201 Created" if request.method == "POST" else "200 OK"
    return data({"id": str(uuid.uuid4())}, status, "Connection: close")


@asynccontextmanager
async def hostile_server(
    behavior: Behavior,
    *,
    is_ready: bool = True,
    tls: ssl.SSLContext | None = None,
    speaks_first: bytes = b"",
    keeps_open: bool = False,
) -> AsyncIterator[int]:
    """Serve on a port of its own. With `is_ready` the ready path is answered honestly.

    `keeps_open` takes request after request on one connection.
    """
    serving: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)

        async def write(piece: bytes) -> None:
            writer.write(piece)
            await writer.drain()

        try:
            if speaks_first:
                await write(speaks_first)
            is_going_on = True
            while is_going_on:
                request = await _read(reader)
                if is_ready and request.path == "/readyz":
                    await write(honest(request))
                    return
                await behavior(request, write)
                is_going_on = keeps_open
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        except asyncio.CancelledError:
            pass  # the case is over; nobody waits for this task to say so
        finally:
            serving.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(serving):
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    method, target, _ = head.split(" ", 2)
    request = Request(method=method, path=target.partition("?")[0], head=head)
    length = int(request.header("content-length") or 0)
    await reader.readexactly(min(length, MOST_BODY_BYTES))
    return request
