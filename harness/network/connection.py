"""One connection through a proxy: its two directions, and what toxics do to their data."""

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal, Protocol

from harness.network.conversation import Conversation
from harness.network.packets import Socket
from harness.network.toxics import Piece, Toxic

Stream = Literal["upstream", "downstream"]
"""From the client to the server, or back."""

_OPPOSITE: dict[Stream, Stream] = {"upstream": "downstream", "downstream": "upstream"}

BUFFER_BYTES = 256 * 1024
"""How much of one direction of a connection is held at most; its sender waits then."""
_READ_BYTES = 16 * 1024


@dataclass(eq=False, kw_only=True)
class Active:
    """A toxic that is at work."""

    toxic: Toxic
    stream: Stream
    removed: asyncio.Event = field(default_factory=asyncio.Event)


class Carrier(Protocol):
    """What a connection needs to know of its proxy."""

    carried: Counter[Stream]
    """Bytes that were passed on."""

    def active(self, stream: Stream) -> Sequence[Active]:
        """Give the toxics of one direction, with the sign that one is removed."""

    async def until_it_goes_on(self) -> None:
        """Wait for as long as packets are dropped."""


class Connection:
    """One client, its connection to the server, and the data between them."""

    def __init__(
        self,
        *,
        proxy: Carrier,
        number: int,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        reads: Conversation,
        random: Random,
    ) -> None:
        self.number = number
        self.reads = reads
        self.ended = asyncio.Event()
        self._writers = (client[1], server[1])
        self._work: list[asyncio.Task[None]] = []
        self.flows: dict[Stream, _Flow] = {
            "upstream": _Flow(proxy, self, "upstream", client[0], server[1], random),
            "downstream": _Flow(proxy, self, "downstream", server[0], client[1], random),
        }

    @property
    def sockets(self) -> list[Socket]:
        """The sockets to both sides, as far as they are open."""
        found = [writer.get_extra_info("socket") for writer in self._writers]
        return [each for each in found if each is not None and each.fileno() >= 0]

    async def run(self) -> None:
        """Carry data until both sides have closed, or the connection is ended."""
        for flow in self.flows.values():
            for added in flow.proxy.active(flow.stream):
                flow.begin(added)
        carrying = [self.begin(flow.run()) for flow in self.flows.values()]
        try:
            await asyncio.gather(*carrying)
        except ConnectionResetError:
            self.reset()  # the other side learns it as it happened
        except (OSError, asyncio.CancelledError):
            pass  # one side is gone, or the connection was closed by us
        finally:
            for task in self._work:
                task.cancel()
            await asyncio.gather(*self._work, return_exceptions=True)
            for writer in self._writers:
                writer.close()
            self.reads.ended()
            self.ended.set()

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something for as long as the connection lasts."""
        task = asyncio.ensure_future(work)
        self._work.append(task)
        return task

    def close(self) -> None:
        """Close it in good order; what is held of its data is lost."""
        for writer in self._writers:
            writer.close()
        self._stop()

    def reset(self) -> None:
        """Close it by RST."""
        for writer in self._writers:
            reset(writer)
        self._stop()

    def _stop(self) -> None:
        for task in self._work:
            if task is not asyncio.current_task():
                task.cancel()


class _Flow:
    """One direction of a connection."""

    def __init__(
        self,
        proxy: Carrier,
        connection: Connection,
        stream: Stream,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        random: Random,
    ) -> None:
        self.proxy = proxy
        self.stream = stream
        self.random = random
        self.passed: dict[Toxic, int] = {}
        self._connection = connection
        self._reader, self._writer = reader, writer
        self.held = _Buffer()

    @property
    def _other(self) -> "_Buffer":
        """What is held of the other direction."""
        return self._connection.flows[_OPPOSITE[self.stream]].held

    @property
    def listens(self) -> bool:
        """Whether the client waits for notifications on the connection."""
        return self._connection.reads.listens

    def begin(self, added: Active) -> None:
        """Let a toxic run beside the connection."""
        self._connection.begin(added.toxic.beside(self))

    async def run(self) -> None:
        """Read and pass on, side by side, until the sender has closed."""
        reading = self._connection.begin(self._read())
        while (piece := await self.held.get()) is not None:
            await self._carry(piece, list(self.proxy.active(self.stream)))
        await reading
        for added in self.proxy.active(self.stream):
            await added.toxic.before_close(self)
        await self.proxy.until_it_goes_on()
        if self._writer.can_write_eof():
            self._writer.write_eof()

    async def _read(self) -> None:
        reads = self._connection.reads
        read = reads.from_client if self.stream == "upstream" else reads.from_server
        loop = asyncio.get_running_loop()
        try:
            while data := await self._reader.read(_READ_BYTES):
                passed = read(data)
                if passed.data:
                    await self.held.put(Piece(data=passed.data, due=loop.time()))
                if passed.back:
                    await self._other.put(Piece(data=passed.back, due=loop.time()))
                if passed.is_cut:
                    self._connection.reset()
                    return
        finally:
            self.held.end()

    async def _carry(self, piece: Piece, toxics: Sequence[Active]) -> None:
        if not toxics:
            await self.proxy.until_it_goes_on()
            self._writer.write(piece.data)
            self.proxy.carried[self.stream] += len(piece.data)
            await self._writer.drain()
            return
        first, *later = toxics
        if first.removed.is_set():
            await self._carry(piece, later)
            return
        async for each in first.toxic.carry(piece, self):
            await self._carry(each, later)

    async def wait(self, toxic: Toxic, seconds: float) -> None:
        """Wait; less if the toxic is removed meanwhile."""
        removed = next(
            (a.removed for a in self.proxy.active(self.stream) if a.toxic is toxic), None
        )
        if removed is None or seconds <= 0:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await removed.wait()

    async def wait_until(self, toxic: Toxic, moment: float) -> None:
        """Wait until a moment of the event loop's clock; less if the toxic is removed."""
        await self.wait(toxic, moment - asyncio.get_running_loop().time())

    def close(self) -> None:
        """Close the connection in good order, on both sides."""
        self._connection.close()

    def reset(self) -> None:
        """Close the connection by RST, on both sides."""
        self._connection.reset()


class _Buffer:
    """Pieces on their way, at most `BUFFER_BYTES` of them."""

    def __init__(self) -> None:
        self._pieces: asyncio.Queue[Piece | None] = asyncio.Queue()
        self._bytes = 0
        self._room = asyncio.Event()
        self._room.set()

    async def put(self, piece: Piece) -> None:
        await self._room.wait()
        self._bytes += len(piece.data)
        if self._bytes >= BUFFER_BYTES:
            self._room.clear()
        self._pieces.put_nowait(piece)

    async def get(self) -> Piece | None:
        piece = await self._pieces.get()
        if piece is not None:
            self._bytes -= len(piece.data)
            if self._bytes < BUFFER_BYTES:
                self._room.set()
        return piece

    def end(self) -> None:
        self._pieces.put_nowait(None)


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection by RST: its peer learns at once that it is broken."""
    made: socket.socket | None = writer.get_extra_info("socket")
    if made is not None and made.fileno() >= 0:
        with suppress(OSError):
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
