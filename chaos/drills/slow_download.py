"""A download whose client reads a part and then waits, so that it is in flight for long."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

from harness.client import Client
from harness.client.http.http1 import AnswerReader, NoHttp
from harness.errors import Inconclusive

DEADLINE_S = 10.0
"""How long the server may take for the next bytes."""

_RECEIVE_BUFFER = 64 * 1024
"""So small that most of the file waits at the server until it is read."""
_READ_BYTES = 64 * 1024


class NotInFlight(Inconclusive):
    """The beginning of a file was asked for, and the answer was another, or all of it, or none."""

    def __init__(self, status: int | None, received: int) -> None:
        self.is_refused = status != HTTPStatus.OK
        """Whether no file was given: an error, or nothing within the deadline."""
        answer = f"no answer within {DEADLINE_S:g} s" if status is None else f"status {status}"
        super().__init__(f"no download was in flight: {answer}, {received} bytes at once")


@dataclass(kw_only=True)
class SlowDownload:
    """One download, of which the first bytes have been read."""

    _connection: socket.socket
    _reader: AnswerReader = field(default_factory=AnswerReader)

    async def begin(self) -> None:
        """Read until the body has begun. Raises `NotInFlight`."""
        with suppress(OSError, NoHttp, TimeoutError):
            while not self._reader.body:
                if not await self._read():
                    break
        if self._reader.status != HTTPStatus.OK or self._reader.complete or not self._reader.body:
            raise NotInFlight(self._reader.status, len(self._reader.body))

    async def rest(self) -> bytes | None:
        """Read to the end; give the bytes if they look whole to a client, None if they do not."""
        with suppress(OSError, NoHttp, TimeoutError):
            while not self._reader.complete:
                if not await self._read():
                    self._reader.end()
                    break
        return self._reader.body if self._reader.complete else None

    async def _read(self) -> bool:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(DEADLINE_S):
            data = await loop.sock_recv(self._connection, _READ_BYTES)
        if data:
            self._reader.feed(data)
        return bool(data)


@asynccontextmanager
async def slow_download(
    client: Client, operation_id: str, path_values: Mapping[str, str], instance: int = 0
) -> AsyncIterator[SlowDownload]:
    """Begin a download at one instance, and read no more than its beginning. `NotInFlight`."""
    transport, route = client.transport, client.routes[operation_id]
    headers = {"User-Agent": transport.user_agent, **await client.authorization()}
    path, headers_sent = transport.head(operation_id, route.path(path_values), headers)
    place = urlsplit(transport.base_urls[instance])
    lines = [f"{route.method} {place.path}{path} HTTP/1.1", f"Host: {place.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers_sent.items()]
    loop = asyncio.get_running_loop()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        connection.setblocking(False)
        async with asyncio.timeout(DEADLINE_S):
            await loop.sock_connect(connection, (place.hostname, place.port))
            await loop.sock_sendall(connection, ("\r\n".join(lines) + "\r\n\r\n").encode())
        download = SlowDownload(_connection=connection)
        await download.begin()
        yield download
