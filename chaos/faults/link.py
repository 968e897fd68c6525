"""One link of a system that goes through a proxy, and a client that tries it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from chaos.faults.proof import FaultNotShown, TargetCannot
from harness.network.postgres_messages import SSL_REQUEST
from harness.network.proxy import TcpProxy
from harness.system import Instance, System

End = Literal["answered", "silent", "closed", "reset", "refused"]

SILENT_S = 0.3
"""How long nothing may come before a link counts as silent."""

WITHIN_S = 5.0
"""How long a client waits for an answer when nothing is wrong."""

_READ_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Trip:
    """What a client met that asked once."""

    end: End
    seconds: float
    """Until the answer, or what was got instead."""
    close_seconds: float = 0.0
    """From our closing until the other side had closed."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """From an instance to the database, or from clients to an API instance."""

    victim: Instance
    what: str
    """Such as `worker-1 to the database`."""
    label: str
    """For histories: `database`, `clients`."""
    proxy: TcpProxy
    request: bytes
    """What the server answers at once, to anybody."""
    bulk: Callable[[int, int], Awaitable[None]] | None
    """Sends and gets so many bytes; None: there is no way to move many."""

    def require_used(self) -> str:
        """Raise `FaultNotShown` unless the link leads through the proxy."""
        if not self.proxy.accepted:
            raise FaultNotShown(
                f"nothing went through the proxy of {self.what}: it was bypassed. The program must "
                "get the address from {database_url}, or from {database_host} and {database_port}"
            )
        return f"{self.proxy.accepted} connections so far, {len(self.proxy.open)} open"

    async def expect(self, *wanted: End, within_s: float = WITHIN_S, when: str = "") -> Trip:
        """Ask once. Raises `FaultNotShown` unless it ends in one of the ways that are wanted."""
        trip = await self.trip(within_s)
        if trip.end not in wanted:
            where = f"{self.what}, {when}" if when else self.what
            raise FaultNotShown(f"{where}: {trip.end} after {trip.seconds:.3f} s, not {wanted[-1]}")
        return trip

    async def expect_answer(self, when: str) -> str:
        """See that a link works."""
        trip = await self.expect("answered", when=when)
        return f"answered after {trip.seconds:.3f} s"

    async def trip(self, within_s: float = WITHIN_S) -> Trip:
        """Ask once, and close."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(within_s):
                reader, writer = await asyncio.open_connection(self.proxy.host, self.proxy.port)
        except ConnectionRefusedError:
            return Trip(end="refused", seconds=loop.time() - began)
        except (OSError, TimeoutError):
            return Trip(end="silent", seconds=loop.time() - began)
        try:
            writer.write(self.request)
            end = await _first(reader, within_s)
            seconds = loop.time() - began
            if end != "answered":
                return Trip(end=end, seconds=seconds)
            closing = loop.time()
            writer.write_eof()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(within_s):
                    while await reader.read(_READ_BYTES):
                        pass
            return Trip(end=end, seconds=seconds, close_seconds=loop.time() - closing)
        finally:
            writer.transport.abort()


async def _first(reader: asyncio.StreamReader, within_s: float) -> End:
    try:
        async with asyncio.timeout(within_s):
            return "answered" if await reader.read(1) else "closed"
    except TimeoutError:
        return "silent"
    except OSError:
        return "reset"


def database_link(system: System, victim: Instance) -> Link:
    """Give the link of an instance to the database. Raises `TargetCannot` where there is none."""
    proxy = system.network.database.get(victim.name) if system.network else None
    if proxy is None or system.database_url is None:
        raise TargetCannot(
            f"{victim.name} does not reach its database through a proxy: only a system that was "
            "started with proxies (fresh_system(proxied=True)), whose database is known, does"
        )
    url = make_conninfo(system.database_url, host=proxy.host, port=proxy.port)

    async def bulk(sent: int, received: int) -> None:
        async with await AsyncConnection.connect(url, connect_timeout=10) as connection:
            await connection.execute("SELECT length(%s), repeat('x', %s)", ["x" * sent, received])

    request = (8).to_bytes(4, "big") + SSL_REQUEST.to_bytes(4, "big")
    return Link(
        victim=victim,
        what=f"{victim.name} to the database",
        label="database",
        proxy=proxy,
        request=request,
        bulk=bulk,
    )


def client_link(system: System, victim: Instance) -> Link:
    """Give the link of clients to an API instance. Raises `TargetCannot` where there is none."""
    proxy = system.network.api.get(victim.name) if system.network else None
    path = system.plan.table(victim.role).ready_path
    if proxy is None or path is None:
        raise TargetCannot(
            f"clients do not reach {victim.name} through a proxy: only those of a system that was "
            "started with proxies (fresh_system(proxied=True)) do"
        )
    added = system.target.added_to_probes(victim.role)
    headers = "".join(f"{name}: {text}\r\n" for name, text in added.headers.items())
    head = f"GET {added.target(path)} HTTP/1.1\r\nHost: {proxy.host}:{proxy.port}\r\n{headers}\r\n"
    return Link(
        victim=victim,
        what=f"clients to {victim.name}",
        label="clients",
        proxy=proxy,
        request=head.encode(),
        bulk=None,
    )


async def bulk_end(link: Link, sent: int, received: int) -> tuple[End, float]:
    """Move many bytes over a link; give how that ended, and how long it took."""
    assert link.bulk is not None
    began = time.monotonic()
    try:
        async with asyncio.timeout(WITHIN_S):
            await link.bulk(sent, received)
    except TimeoutError:
        return "silent", time.monotonic() - began
    except psycopg.OperationalError:
        return "closed", time.monotonic() - began
    return "answered", time.monotonic() - began
