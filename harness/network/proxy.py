"""The proxy: listens on a port, connects to the server for each client, and carries data."""

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

from harness.machine.ports import LOOPBACK
from harness.network.conversation import Conversation, Unread
from harness.network.held_port import HeldPort
from harness.network.packets import Socket, drop_all, drop_none
from harness.network.toxics import Piece, Toxic

Stream = Literal["upstream", "downstream"]
"""From the client to the server, or back."""

_OPPOSITE: dict[Stream, Stream] = {"upstream": "downstream", "downstream": "upstream"}

CONNECT_S = 5.0
"""How long the server may take to take a connection."""
CLOSE_S = 2.0
"""How long open connections may take to end when the proxy is closed."""
BUFFER_BYTES = 256 * 1024
"""How much of one direction of a connection is held at most; its sender waits then."""
_READ_BYTES = 16 * 1024


class TcpProxy:
    """Carries connections to one server. Made by `open_proxy`; belongs to one event loop."""

    def __init__(
        self,
        server: tuple[str, int],
        held: HeldPort,
        *,
        seed: str,
        reads: Callable[[], Conversation],
    ) -> None:
        self.server = server
        """Where it leads to; the next connection goes there."""
        self.host, self.port = held.host, held.port
        self.open: list[Connection] = []
        """The connections that are open now."""
        self.accepted = 0
        """How many there were so far."""
        self.unreached = 0
        """How many of them the server did not take."""
        self.carried: Counter[Stream] = Counter()
        """Bytes that were passed on."""
        self._held = held
        self._seed = seed
        self._reads = reads
        self._listening: asyncio.Server | None = None
        self._goes_on = asyncio.Event()
        """Set unless packets are dropped."""
        self._goes_on.set()
        self._toxics: list[_Active] = []

    @property
    def is_enabled(self) -> bool:
        """Whether it takes connections."""
        return self._listening is not None

    def toxics(self, stream: Stream) -> Sequence[Toxic]:
        """Give what is done to data in one direction now."""
        return [each.toxic for each in self._toxics if each.stream == stream]

    async def enable(self) -> None:
        """Take connections."""
        if self._listening is None:
            self._listening = await asyncio.start_server(self._serve, sock=self._held.listener())

    async def disable(self) -> None:
        """Refuse connections, and close those that are open: Toxiproxy's `down`."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        for connection in list(self.open):
            connection.close()
        await self._until_closed()

    @asynccontextmanager
    async def toxic(self, toxic: Toxic, stream: Stream) -> AsyncIterator[None]:
        """Do something to all data in one direction, on open connections as well."""
        added = self.add(toxic, stream)
        try:
            yield
        finally:
            self.remove(added)

    def add(self, toxic: Toxic, stream: Stream) -> "_Active":
        """Begin to do something to all data in one direction; `remove` ends it."""
        added = _Active(toxic=toxic, stream=stream)
        self._toxics.append(added)
        for connection in self.open:
            connection.flows[stream].begin(added)
        return added

    def remove(self, added: "_Active") -> None:
        """End what `add` began; safe to call twice."""
        if added in self._toxics:
            self._toxics.remove(added)
            added.removed.set()
            for connection in self.open:
                added.toxic.removed(connection.flows[added.stream])

    @property
    def drops_packets(self) -> bool:
        """Whether nothing arrives from either side."""
        return not self._goes_on.is_set()

    def drop_packets(self) -> int:
        """Drop every packet of both sides, without a word; give how many connections that meets.

        Who sends something is not answered, not even by RST; new connections are not taken, either,
        and not refused. Raises `OSError` where the kernel cannot do that (not Linux).
        """
        self._goes_on.clear()
        for each in self._sockets():
            drop_all(each)
        return len(self.open)

    def pass_packets(self) -> None:
        """Let packets through again: what both sides have sent meanwhile arrives now."""
        for each in self._sockets():
            drop_none(each)
        self._goes_on.set()

    async def until_it_goes_on(self) -> None:
        """Wait for as long as packets are dropped."""
        await self._goes_on.wait()

    def _sockets(self) -> list[Socket]:
        listening = self._listening.sockets if self._listening is not None else ()
        return [*listening, *(each for connection in self.open for each in connection.sockets)]

    def reset(self) -> int:
        """Reset every open connection by RST; give how many there were."""
        connections = list(self.open)
        for connection in connections:
            connection.reset()
        return len(connections)

    async def close(self) -> None:
        """End all connections and give up the port."""
        if self.drops_packets:
            self.pass_packets()
        for added in list(self._toxics):
            self.remove(added)
        await self.disable()
        self._held.close()

    def active(self, stream: Stream) -> Sequence["_Active"]:
        """Give the toxics of one direction, with the sign that one is removed."""
        return [each for each in self._toxics if each.stream == stream]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        number = self.accepted
        try:
            async with asyncio.timeout(CONNECT_S):
                from_server, to_server = await asyncio.open_connection(*self.server)
        except (OSError, TimeoutError):
            self.unreached += 1
            _reset(writer)  # a server that is gone refuses
            return
        connection = Connection(
            proxy=self,
            number=number,
            client=(reader, writer),
            server=(from_server, to_server),
            reads=self._reads(),
            random=Random(f"{self._seed}:{number}"),
        )
        if not self.is_enabled:  # meanwhile
            connection.reset()
            return
        self.open.append(connection)
        try:
            await connection.run()
        finally:
            self.open.remove(connection)

    async def _until_closed(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                while self.open:
                    await asyncio.sleep(0)
                    for connection in list(self.open):
                        await connection.ended.wait()


@dataclass(eq=False, kw_only=True)
class _Active:
    """A toxic that is at work."""

    toxic: Toxic
    stream: Stream
    removed: asyncio.Event = field(default_factory=asyncio.Event)


class Connection:
    """One client, its connection to the server, and the data between them."""

    def __init__(
        self,
        *,
        proxy: TcpProxy,
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
        name = server[1].get_extra_info("sockname")
        self.server_sees: int = name[1] if name else 0
        """Its port as the server sees it: PostgreSQL's `client_port`."""
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
            _reset(writer)
        self._stop()

    def _stop(self) -> None:
        for task in self._work:
            if task is not asyncio.current_task():
                task.cancel()


class _Flow:
    """One direction of a connection."""

    def __init__(
        self,
        proxy: TcpProxy,
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

    def begin(self, added: _Active) -> None:
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

    async def _carry(self, piece: Piece, toxics: Sequence[_Active]) -> None:
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


@asynccontextmanager
async def open_proxy(
    server: tuple[str, int],
    *,
    host: str = LOOPBACK,
    seed: str = "",
    reads: Callable[[], Conversation] = Unread,
) -> AsyncIterator[TcpProxy]:
    """Open a proxy to a server for the block, on a free port of `host`.

    `reads` makes what reads each connection's contents. Raises `OSError` where it cannot listen.
    """
    proxy = await start_proxy(server, host=host, seed=seed, reads=reads)
    try:
        yield proxy
    finally:
        await proxy.close()


async def start_proxy(
    server: tuple[str, int],
    *,
    host: str = LOOPBACK,
    seed: str = "",
    reads: Callable[[], Conversation] = Unread,
) -> TcpProxy:
    """Open a proxy that lasts until it is closed."""
    proxy = TcpProxy(server, HeldPort(host), seed=seed, reads=reads)
    await proxy.enable()
    return proxy


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection by RST: its peer learns at once that it is broken."""
    made: socket.socket | None = writer.get_extra_info("socket")
    if made is not None and made.fileno() >= 0:
        with suppress(OSError):
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
