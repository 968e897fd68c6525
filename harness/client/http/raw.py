"""One request on a socket of its own: a check decides every byte, and sees when the answer arrives.

An ordinary client hides what matters about early refusals and broken requests: how much the server
had taken before it answered, and what it answers to half a body.
"""

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urljoin, urlsplit

from harness.client.answers.answer import Answer
from harness.client.http.http1 import AnswerReader, NoHttp
from harness.client.http.no_answer import NoAnswer, no_answer
from harness.client.http.patience import Patience
from harness.errors import Inconclusive
from harness.findings.exchanges import MOST_BYTES, note_exchange
from harness.findings.log_window import LogWindow

DEADLINE_S = 10.0
"""How long the server may take to read on, or to answer once it has what it waits for."""

SEND_BUFFER_BYTES: Final = 256 * 1024
"""The most that waits on our side: what is sent beyond it has left for the server."""

MAX_ANSWER_BYTES = 4 * 1024 * 1024
"""More than any answer to an upload has."""

_STEP_BYTES = 128 * 1024


class RawConnection:
    """A connection with one request on it. Made by `connected`."""

    def __init__(
        self,
        connection: socket.socket,
        what: str,
        operation_id: str,
        instance: int,
        translated: Callable[[Answer], Answer],
        patience: Patience,
        base_url: str,
        log: LogWindow | None = None,
    ) -> None:
        self.sent = 0
        """Bytes handed to the server's side so far, but for `SEND_BUFFER_BYTES`."""
        self._socket = connection
        self._what = what
        self._url = base_url
        self._log = log
        self._wire = bytearray()
        self._wire_size = 0
        self._operation_id = operation_id
        self._instance = instance
        self._began = time.perf_counter()
        self._reader = AnswerReader()
        self._answering = asyncio.Event()
        self._trouble = ""
        self._translated = translated
        self._patience = patience
        self._reading = asyncio.ensure_future(self._read())

    @property
    def answering(self) -> bool:
        """Whether an answer has begun, or the connection has ended: no use in sending more."""
        return self._answering.is_set()

    async def send(self, data: bytes | memoryview, *, deadline_s: float = DEADLINE_S) -> bool:
        """Send as much of it as the server takes; False as soon as it answers instead.

        Raises `NoAnswer` when it has neither taken all nor answered within `deadline_s` seconds.
        """
        rest = memoryview(data)
        until = time.monotonic() + deadline_s
        while rest and not self.answering:
            try:
                taken = self._socket.send(rest[:_STEP_BYTES])
            except BlockingIOError:
                await self._until_writable(until - time.monotonic(), deadline_s)
                continue
            except ConnectionError:
                await self._until_answering(DEADLINE_S)  # it may have answered before it hung up
                break
            self.sent += taken
            self._wire_size += taken
            self._wire += rest[: min(taken, MOST_BYTES - len(self._wire))]
            rest = rest[taken:]
            await asyncio.sleep(0)  # lets the reading side see an answer
        return not rest and not self.answering

    async def answer(self, *, deadline_s: float = DEADLINE_S, may_repeat: bool = False) -> Answer:
        """Wait for the whole answer. `NoAnswer` when none arrives in time, or half of one.

        `Inconclusive` where a gateway asks to come back later, unless the caller does so.
        """
        try:
            async with asyncio.timeout(deadline_s):
                await asyncio.shield(self._reading)
        except TimeoutError:
            raise self._no_answer(
                f"an answer to {self._what} after {self.sent} bytes of it, within {deadline_s:g} s",
                "none" if self._reader.status is None else "half of one",
            ) from None
        if self._reader.status is None or not self._reader.complete:
            raise self._no_answer(
                f"an answer to {self._what} after {self.sent} bytes of it",
                self._trouble or "the connection was closed without a whole answer",
            )
        self._note()
        method, _, path = self._what.partition(" ")
        answer = Answer(
            operation_id=self._operation_id,
            method=method,
            path=path,
            instance=self._instance,
            status=self._reader.status,
            headers=self._reader.headers,
            body=self._reader.body,
            elapsed_s=time.perf_counter() - self._began,
        )
        answer = self._translated(answer)
        if not may_repeat:
            await self._patience.waits(answer, may_repeat=False)
        return answer

    async def pause(self, seconds: float) -> None:
        """Send nothing for a moment, so that what was sent arrives by itself, most of the time."""
        await asyncio.sleep(seconds)

    async def reset(self) -> None:
        """Break the connection off without a farewell, as a client that died does."""
        with contextlib.suppress(OSError):
            linger = struct.pack("ii", 1, 0)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        await self.close()

    async def close(self) -> None:
        """End the connection; safe to call twice."""
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading
        self._socket.close()

    async def _read(self) -> None:
        loop, received = asyncio.get_running_loop(), 0
        try:
            while not self._reader.complete:
                data = await loop.sock_recv(self._socket, 64 * 1024)
                received += len(data)
                if received > MAX_ANSWER_BYTES:
                    raise NoHttp(f"more than {MAX_ANSWER_BYTES} bytes")
                if not data:
                    self._reader.end()
                    return
                self._reader.feed(data)
                if self._reader.status is not None:
                    self._answering.set()
                # What has arrived is read at once: deadlines get their turn in between.
                await asyncio.sleep(0)
        except (OSError, NoHttp) as error:
            self._trouble = f"{type(error).__name__}: {error}"
        finally:
            self._answering.set()

    async def _until_writable(self, left_s: float, deadline_s: float) -> None:
        loop = asyncio.get_running_loop()
        room = asyncio.Event()
        loop.add_writer(self._socket, room.set)
        waiting = {asyncio.ensure_future(each.wait()) for each in (room, self._answering)}
        try:
            done, _ = await asyncio.wait(
                waiting, timeout=max(0.0, left_s), return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            loop.remove_writer(self._socket)
            for each in waiting:
                each.cancel()
        if not done:
            raise self._no_answer(
                f"{self._what} to be read whole, or answered, within {deadline_s:g} s",
                f"neither, after {self.sent} bytes",
            )

    def _no_answer(self, expected: str, got: str) -> NoAnswer:
        self._note(got)
        return no_answer(self._operation_id, expected, got)

    def _note(self, problem: str = "") -> None:
        """Keep what was sent, and the answer as it was received, as evidence."""
        method, _, path = self._what.partition(" ")
        note_exchange(
            method=method,
            url=urljoin(self._url, path),
            headers={},
            body=None,
            instance=self._instance,
            status=None if problem else self._reader.status,
            answer_headers=self._reader.headers,
            answer=self._reader.body,
            problem=problem,
            raw=bytes(self._wire),
            raw_size=self._wire_size,
            log=self._log,
        )

    async def _until_answering(self, deadline_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._answering.wait(), deadline_s)


@asynccontextmanager
async def connected(
    base_url: str,
    *,
    method: str,
    path: str,
    headers: Mapping[str, str],
    operation_id: str,
    instance: int = 0,
    translated: Callable[[Answer], Answer] = lambda answer: answer,
    patience: Patience | None = None,
    log: LogWindow | None = None,
) -> AsyncIterator[RawConnection]:
    """Connect to an instance and send the head of a request; the body is the check's business.

    `translated` puts the answer into the contract's words; `log` is what the instance logs from
    now on. Raises `NoAnswer` when there is no connection, `Inconclusive` for a server behind TLS.
    """
    address = urlsplit(base_url)
    if address.scheme != "http" or address.hostname is None:
        raise Inconclusive(f"this check uses plain sockets, and {base_url} is not http")
    what = f"{method} {address.path}{path}"
    place = (address.hostname, address.port or 80)
    try:
        opened = await asyncio.to_thread(socket.create_connection, place, DEADLINE_S)
    except OSError as error:
        raise no_answer(operation_id, f"a connection for {what}", f"{error!r}") from error
    opened.setblocking(False)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES // 2)  # Linux doubles
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection = RawConnection(
        opened,
        what,
        operation_id,
        instance,
        translated,
        patience or Patience(has_gateway=False),
        base_url,
        log,
    )
    lines = [f"{method} {address.path}{path} HTTP/1.1", f"Host: {address.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    try:
        await connection.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        connection.sent = 0
        yield connection
    finally:
        await connection.close()


def chunk(data: bytes) -> bytes:
    """Frame a piece of a body for `Transfer-Encoding: chunked`; the empty one ends the body."""
    return b"%x\r\n%s\r\n" % (len(data), data)
