"""The proxy: listens on a port, and connects to the server for each client."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from random import Random

from harness.machine.ports import LOOPBACK
from harness.network.connection import Active, Connection, Stream, reset
from harness.network.conversation import Conversation, Unread
from harness.network.held_port import HeldPort
from harness.network.packets import Socket, drop_all, drop_none
from harness.network.toxics import Toxic

CONNECT_S = 5.0
"""How long the server may take to take a connection."""
CLOSE_S = 2.0
"""How long open connections may take to end when the proxy is closed."""


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
        self._toxics: list[Active] = []

    @property
    def is_enabled(self) -> bool:
        """Whether it takes connections."""
        return self._listening is not None

    def toxics(self, stream: Stream) -> Sequence[Toxic]:
        """Give what is done to data in one direction now."""
        return [each.toxic for each in self.active(stream)]

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

    def add(self, toxic: Toxic, stream: Stream) -> Active:
        """Begin to do something to all data in one direction; `remove` ends it."""
        added = Active(toxic=toxic, stream=stream)
        self._toxics.append(added)
        for connection in self.open:
            connection.flows[stream].begin(added)
        return added

    def remove(self, added: Active) -> None:
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

    def active(self, stream: Stream) -> Sequence[Active]:
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
            reset(writer)  # a server that is gone refuses
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
