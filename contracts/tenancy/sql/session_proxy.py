"""A proxy for PostgreSQL connections that reads a session's settings after each transaction.

No other session can see the settings of a session. So the backend connects through this proxy.
Whenever the server reports that a connection is idle, the proxy asks in the same session for its
settings, and only then forwards the server's message. The backend sees only a small delay.

The messages are those of PostgreSQL's protocol 3 (chapter "Message Formats" of its manual).
"""

import asyncio
import re
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from contracts.tenancy.sql.request_sql import CLAIMS
from harness.machine.ports import LOOPBACK
from harness.waiting import becomes_true

SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST = 80877103, 80877104, 80877102
"""Codes of requests that a connection may send before or instead of a startup message."""

ANSWERED_BY_READY = frozenset(b"QSF")
"""Messages of a client that the server answers with ReadyForQuery: Query, Sync, FunctionCall."""

OURS = b"shakedown\0"
"""The name of the proxy's own statement and portal; the unnamed ones are the client's."""

SETS = re.compile(
    r"""set_config\s*\(\s*'([a-z_]\w*(?:\.\w+)+)'|\bset\s+(?:local\s+|session\s+)?([a-z_]\w*(?:\.\w+)+)""",
    re.IGNORECASE,
)
"""Statements that set an application's own settings."""


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """A setting that had a value while its connection was idle."""

    connection: int
    setting: str
    value: str
    after: str
    """The last statement before."""


@dataclass(kw_only=True)
class SessionLog:
    """What the proxy saw so far."""

    connections: int = 0
    looks: int = 0
    """How often an idle connection was inspected."""
    leftovers: list[Leftover] = field(default_factory=list)
    in_transaction: dict[int, str] = field(default_factory=dict)
    """Connections with an open transaction now, with their last statement."""
    settings: set[str] = field(default_factory=lambda: {CLAIMS})
    """The settings to read: the claims, and all that statements have set."""
    trouble: list[str] = field(default_factory=list)
    """Errors of inspections."""

    async def transactions_left(self, *, within_s: float) -> dict[int, str]:
        """Wait until no connection has an open transaction; return those that still have one."""
        await becomes_true(lambda: not self.in_transaction, within_s, poll_s=0.02)
        return dict(self.in_transaction)


@asynccontextmanager
async def session_proxy(
    database_url: str, host: str = LOOPBACK
) -> AsyncIterator[tuple[str, SessionLog]]:
    """Yield the URL of the same database through the proxy, and the log of what it sees.

    `host` is the address to listen on, which the backend must be able to reach.
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
            pass  # one side disconnected, or the check is over
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
    """One connection of the backend, and the proxy's connection to the server."""

    def __init__(
        self, seen: SessionLog, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._seen = seen
        self._from_client, self._to_client = reader, writer
        self._number = 0
        self._turn = asyncio.Lock()
        """LockedTable by the task that writes to the server."""
        self._unanswered = 0
        """Messages of the client that the server has not answered with ReadyForQuery yet."""
        self._open_ended = False
        """Whether the client has sent messages that are not ended by a Sync yet."""
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
        """Refuse encryption, as the server does, and return the startup message."""
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
                        await self._inspect()
            self._to_client.write(message)
            await self._to_client.drain()

    async def _inspect(self) -> None:
        """Ask the idle session for its settings; the lock holds the client's messages back."""
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
            elif kind in b"NAS":  # asynchronous messages are for the client
                self._to_client.write(message)
        if values:
            self._seen.looks += 1
        for name, value in zip(names, values, strict=False):
            if value:
                self._seen.leftovers.append(
                    Leftover(connection=self._number, setting=name, value=value, after=self._last)
                )


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """One message: its type, and all its bytes."""
    head = await reader.readexactly(5)
    length = struct.unpack("!i", head[1:])[0]
    return head[0], head + await reader.readexactly(length - 4)


def _question(settings: list[str]) -> bytes:
    """Parse, Bind, Execute, Close both, Sync, with names that the client does not use."""
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
    """The columns of a DataRow with values in text format."""
    (count,) = struct.unpack("!h", row[5:7])
    values: list[str | None] = []
    at = 7
    for _ in range(count):
        (length,) = struct.unpack("!i", row[at : at + 4])
        at += 4
        values.append(None if length < 0 else row[at : at + length].decode("utf-8", "replace"))
        at += max(length, 0)
    return values
