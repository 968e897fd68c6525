"""The attacker's server of keys: no backend may fetch from it what a token's header names."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from contracts.tenancy.requests.credentials import another_key
from harness.client import Organizations
from harness.system import System

_HEAD_BYTES = 16 * 1024
_HEAD_S = 5.0
_PORT_OF_NOBODY = 9
"""`discard`: nothing listens there."""


@dataclass(kw_only=True)
class KeyListener:
    """Where it listens, and which of its paths were asked for."""

    url: str
    is_reachable: bool
    """Whether the backend could reach it: else that nothing was fetched shows nothing."""
    fetched: list[str] = field(default_factory=list)


@asynccontextmanager
async def attacking_keys(
    organizations: Organizations, system: System
) -> AsyncIterator[KeyListener]:
    """Serve the attacker's keys where the backend can reach us, and remember every request.

    Nothing is served where it cannot, or where tokens are not signed with a key pair.
    """
    host = system.harness_host if organizations.has_key_pair else None
    if host is None:
        yield KeyListener(url=f"http://127.0.0.1:{_PORT_OF_NOBODY}", is_reachable=False)
        return
    listener = KeyListener(url="", is_reachable=True)
    keys = another_key(organizations.recipe.algorithm)
    bodies = {"/x5u": keys.public_pem.encode()}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, asyncio.IncompleteReadError, TimeoutError):
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _HEAD_S)
            path = head.split(b" ", 2)[1].decode("ascii", "replace")
            listener.fetched.append(path)
            body = bodies.get(path, keys.jwks.encode())
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body) + body
            )
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, host, 0, limit=_HEAD_BYTES)
    try:
        port = server.sockets[0].getsockname()[1]
        listener.url = f"http://{host}:{port}"
        yield listener
    finally:
        server.close()
        await server.wait_closed()
