"""A stand-in for PostgreSQL that passes everything on and looks at what a transaction leaves.

What a session has set is nobody else's to see: no view shows it. So the backend's connections lead
through here. Whenever the server says that a connection is idle, outside of any transaction, the
watcher asks it, in the same session, what its settings are now, and only then passes on that it is
ready. The backend notices nothing but a little delay, whatever driver it uses.

The messages are those of PostgreSQL's protocol 3 (chapter "Message Formats" of its manual).
"""

import asyncio
import re
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from contracts.tenancy.sql.request_sql import CLAIMS
from harness.machine.ports import LOOPBACK

SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST = 80877103, 80877104, 80877102
"""What a connection may begin with instead of a startup message."""

ANSWERED_BY_READY = frozenset(b"QSF")
"""Messages of a client that the server answers with ReadyForQuery: Query, Sync, FunctionCall."""

OURS = b"shakedown\0"
"""The name of the watcher's own statement and portal: the unnamed ones are the client's."""

SETS = re.compile(
    r"""set_config\s*\(\s*'([a-z_]\w*(?:\.\w+)+)'|\bset\s+(?:local\s+|session\s+)?([a-z_]\w*(?:\.\w+)+)""",
    re.IGNORECASE,
)
"""Settings of an application's own, by how SQL sets them."""


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """A setting that still had a value while its connection was idle."""

    connection: int
    setting: str
    value: str
    after: str
    """The last statement before."""


@dataclass(kw_only=True)
class SessionLog:
    """What was seen so far."""

    connections: int = 0
    looks: int = 0
    """How often an idle connection was looked at."""
    leftovers: list[Leftover] = field(default_factory=list)
    in_transaction: dict[int, str] = field(default_factory=dict)
    """Connections that are within a transaction now, with the last statement on them."""
    settings: set[str] = field(default_factory=lambda: {CLAIMS})
    """What is asked for: the claims, and whatever else statements were seen to set."""
    trouble: list[str] = field(default_factory=list)
    """Why a look failed."""

    async def transactions_left(self, *, within_s: float) -> dict[int, str]:
        """Wait until no connection is within a transaction; give those that still are."""
        until = time.monotonic() + within_s
        while self.in_transaction and time.monotonic() < until:
            await asyncio.sleep(0.02)
        return dict(self.in_transaction)


@asynccontextmanager
async def session_proxy(
    database_url: str, host: str = LOOPBACK
) -> AsyncIterator[tuple[str, SessionLog]]:
    """Give the URL that leads to the same database through the watcher, and what it sees.

    `host` is the address at which it listens: one that the backend reaches.
    """
    place = urlsplit(database_url)
    if place.hostname is None:
        raise ValueError("the URL of a database has a host")
    seen = SessionLog()
    opened: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        opened.add(task)
        try:
            await _Session(seen, reader, writer).run(place.hostname or "", place.port or 5432)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # either side went away, or we are done
        finally:
            opened.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, host, 0)
    port = server.sockets[0].getsockname()[1]
    credentials = place.netloc.rpartition("@")[0]
    through = place._replace(netloc=f"{credentials}@{host}:{port}")
    try:
        yield through.geturl(), seen
    finally:
        server.close()
        for task in list(opened):
            task.cancel()
        await asyncio.gather(*opened, return_exceptions=True)


class _Session:
    """One connection of the backend, and ours to the server behind it."""

    def __init__(
        self, seen: SessionLog, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._seen = seen
        self._from_client, self._to_client = reader, writer
        self._number = 0
        self._turn = asyncio.Lock()
        """LockedTable by whoever writes to the server."""
        self._unanswered = 0
        """Messages of the client that the server has yet to answer with ReadyForQuery."""
        self._open_ended = False
        """Whether the client has begun a series of messages that no Sync has ended yet."""
        self._last = ""

    async def run(self, host: str, port: int) -> None:
        begin = await self._startup()
        self._from_server, self._to_server = await asyncio.open_connection(host, port)
        try:
            self._to_server.write(begin)
            if struct.unpack("!i", begin[4:8])[0] == CANCEL_REQUEST:
                await self._from_server.read()
                return
            self._seen.connections += 1
            self._number = self._seen.connections
            pumps = [
                asyncio.ensure_future(self._requests()),
                asyncio.ensure_future(self._answers()),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        finally:
            self._seen.in_transaction.pop(self._number, None)
            self._to_server.close()

    async def _startup(self) -> bytes:
        """Refuse encryption, which the server here does not have either, and give what begins."""
        while True:
            head = await self._from_client.readexactly(8)
            length, code = struct.unpack("!ii", head)
            if code not in {SSL_REQUEST, GSS_REQUEST}:
                return head + await self._from_client.readexactly(length - 8)
            self._to_client.write(b"N")

    async def _requests(self) -> None:
        while True:
            kind, message = await _read(self._from_client)
            async with self._turn:
                if kind in ANSWERED_BY_READY:
                    self._unanswered += 1
                    self._open_ended = False
                else:
                    self._open_ended = kind != ord(
                        "p"
                    )  # a password ends nothing and begins nothing
                self._note(kind, message)
                self._to_server.write(message)
                await self._to_server.drain()

    def _note(self, kind: int, message: bytes) -> None:
        if kind in b"QP":
            text = message[5:].decode("utf-8", "replace").strip("\0")
            self._last = " ".join(text.replace("\0", " ").split())[:200]
            for match in SETS.finditer(text):
                self._seen.settings.add((match[1] or match[2]).lower())

    async def _answers(self) -> None:
        while True:
            kind, message = await _read(self._from_server)
            if kind == ord("Z"):
                async with self._turn:
                    self._unanswered = max(0, self._unanswered - 1)
                    if message[5:] == b"I":
                        self._seen.in_transaction.pop(self._number, None)
                    else:
                        self._seen.in_transaction[self._number] = self._last
                    if message[5:] == b"I" and not self._unanswered and not self._open_ended:
                        await self._look()
            self._to_client.write(message)
            await self._to_client.drain()

    async def _look(self) -> None:
        """Ask the idle session for its settings; nobody else is writing to the server now."""
        names = sorted(self._seen.settings)
        self._to_server.write(_question(names))
        values: list[str | None] = []
        while True:
            kind, message = await _read(self._from_server)
            if kind == ord("Z"):
                break
            if kind == ord("D"):
                values = _texts(message)
            elif kind == ord("E"):
                self._seen.trouble.append(message[5:].decode("utf-8", "replace"))
            elif kind in b"NAS":  # what the server says unasked is for the client
                self._to_client.write(message)
        if values:
            self._seen.looks += 1
        for name, value in zip(names, values, strict=False):
            if value:
                self._seen.leftovers.append(
                    Leftover(connection=self._number, setting=name, value=value, after=self._last)
                )


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """One message: its type, and all of it."""
    head = await reader.readexactly(5)
    length = struct.unpack("!i", head[1:])[0]
    return head[0], head + await reader.readexactly(length - 4)


def _question(settings: list[str]) -> bytes:
    """Parse, Bind, Execute, Close both, Sync: under names that leave the client's alone."""
    asked = ", ".join(f"pg_catalog.current_setting('{name}', true)" for name in settings)
    query = f"SELECT {asked}".encode() + b"\0"
    none = struct.pack("!h", 0)
    return b"".join(
        [
            _message(b"P", OURS + query + none),
            _message(b"B", OURS + OURS + none + none + none),
            _message(b"E", OURS + struct.pack("!i", 0)),
            _message(b"C", b"P" + OURS),
            _message(b"C", b"S" + OURS),
            _message(b"S", b""),
        ]
    )


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def _texts(row: bytes) -> list[str | None]:
    """The columns of a DataRow whose values are text."""
    (count,) = struct.unpack("!h", row[5:7])
    values: list[str | None] = []
    at = 7
    for _ in range(count):
        (length,) = struct.unpack("!i", row[at : at + 4])
        at += 4
        values.append(None if length < 0 else row[at : at + length].decode("utf-8", "replace"))
        at += max(length, 0)
    return values
