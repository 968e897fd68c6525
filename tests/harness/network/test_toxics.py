"""Toxics do to connections what their names in Toxiproxy say, and no longer than they are there."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator

import pytest

from harness.network.connection import BUFFER_BYTES
from harness.network.conversation import Unread
from harness.network.proxy import TcpProxy, open_proxy
from harness.network.toxics import (
    Bandwidth,
    Latency,
    LatencyOfAnswers,
    LimitData,
    ResetPeer,
    Slicer,
    SlowClose,
    Timeout,
    Toxic,
)

WITHIN_S = 10


class Listening(Unread):
    """A connection on which LISTEN was called."""

    listens = True


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


OPENED: list[asyncio.StreamWriter] = []
"""The connections of the clients of a test."""


@pytest.fixture
async def proxy() -> AsyncIterator[TcpProxy]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with open_proxy(("127.0.0.1", port)) as proxy:
        yield proxy
        for writer in OPENED:
            writer.transport.abort()
        OPENED.clear()
    server.close()


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def trip(self, data: bytes) -> float:
        """Send something and wait for it; give how long that took."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.writer.write(data)
        async with asyncio.timeout(WITHIN_S):
            assert await self.reader.readexactly(len(data)) == data
        return loop.time() - began

    async def rest(self) -> bytes:
        async with asyncio.timeout(WITHIN_S):
            return await self.reader.read()


async def connect(proxy: TcpProxy) -> Client:
    client = Client(*await asyncio.open_connection(proxy.host, proxy.port))
    OPENED.append(client.writer)
    return client


async def test_without_a_toxic_all_goes_through(proxy: TcpProxy) -> None:
    client = await connect(proxy)
    data = bytes(range(256)) * 4096
    await client.trip(data)
    client.writer.write_eof()
    assert await client.rest() == b""
    assert proxy.carried == {"upstream": len(data), "downstream": len(data)}


async def test_small_pieces_are_sent_at_once(proxy: TcpProxy) -> None:
    """With Nagle's algorithm each would wait for the other side, which waits 40 ms itself."""
    client = await connect(proxy)
    await client.trip(b"x")
    sockets = proxy.open[0].sockets
    assert len(sockets) == 2
    assert all(_sends_at_once(each.fileno()) for each in sockets)


def _sends_at_once(descriptor: int) -> bool:
    with socket.socket(fileno=os.dup(descriptor)) as one:
        return bool(one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))


async def test_latency_is_met_in_each_direction_and_ends(proxy: TcpProxy) -> None:
    client = await connect(proxy)
    async with proxy.toxic(Latency(latency=60), "upstream"):
        assert await client.trip(b"x") >= 0.06
        async with proxy.toxic(Latency(latency=60), "downstream"):
            assert await client.trip(b"x") >= 0.12
    waiting = asyncio.ensure_future(client.trip(b"y"))
    await waiting


async def test_a_connection_on_which_a_client_listens_is_not_late(proxy: TcpProxy) -> None:
    asking, listening = await connect(proxy), await connect(proxy)
    await asking.trip(b"x")
    await listening.trip(b"x")
    vars(proxy.open[-1])["reads"] = Listening()
    async with proxy.toxic(LatencyOfAnswers(latency=300), "downstream"):
        assert await asking.trip(b"x") >= 0.3
        assert await listening.trip(b"x") < 0.3


async def test_a_delay_that_is_taken_away_is_not_waited_for(proxy: TcpProxy) -> None:
    client = await connect(proxy)
    added = proxy.add(Latency(latency=3600_000), "downstream")
    trip = asyncio.ensure_future(client.trip(b"x"))
    while not proxy.carried["upstream"]:
        await asyncio.sleep(0.001)
    proxy.remove(added)
    await trip


async def test_latency_does_not_slow_a_stream_of_pieces(proxy: TcpProxy) -> None:
    client = await connect(proxy)
    async with proxy.toxic(Latency(latency=200), "upstream"):
        loop = asyncio.get_running_loop()
        began = loop.time()
        for _ in range(40):
            client.writer.write(b"x" * 10)
            await asyncio.sleep(0.001)
        async with asyncio.timeout(WITHIN_S):
            await client.reader.readexactly(400)
        assert loop.time() - began < 40 * 0.2, "each piece waited for the one before"


async def test_jitter_varies_with_the_seed_only(proxy: TcpProxy) -> None:
    trips = []
    async with proxy.toxic(Latency(latency=30, jitter=30), "upstream"):
        client = await connect(proxy)
        trips = [await client.trip(b"x") for _ in range(8)]
    assert max(trips) > min(trips)


async def test_bandwidth_is_not_exceeded(proxy: TcpProxy) -> None:
    client = await connect(proxy)
    async with proxy.toxic(Bandwidth(rate=100), "downstream"):
        assert await client.trip(b"x" * 20_000) >= 0.2


async def test_a_slow_close_keeps_the_receiver_waiting(proxy: TcpProxy) -> None:
    client = await connect(proxy)
    await client.trip(b"x")
    async with proxy.toxic(SlowClose(delay=80), "downstream"):
        began = asyncio.get_running_loop().time()
        client.writer.write_eof()
        assert await client.rest() == b""
        assert asyncio.get_running_loop().time() - began >= 0.08


async def test_a_timeout_stops_data_and_closes(proxy: TcpProxy) -> None:
    client = await connect(proxy)
    await client.trip(b"x")
    async with proxy.toxic(Timeout(timeout=50), "upstream"):
        client.writer.write(b"lost")
        assert await client.rest() == b""
    assert (await connect(proxy)) is not None


async def test_a_timeout_of_zero_closes_what_has_lost_data_when_it_ends(proxy: TcpProxy) -> None:
    losing, quiet = await connect(proxy), await connect(proxy)
    await losing.trip(b"x")
    await quiet.trip(b"x")
    added = proxy.add(Timeout(), "upstream")
    losing.writer.write(b"lost")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await losing.reader.readexactly(1)
    proxy.remove(added)
    assert await losing.rest() == b""
    await quiet.trip(b"y")


async def test_a_slicer_gives_all_of_it_in_pieces(proxy: TcpProxy) -> None:
    client = await connect(proxy)
    async with proxy.toxic(Slicer(average_size=10, size_variation=5, delay=1000), "downstream"):
        assert await client.trip(bytes(range(200))) >= 0.01


async def test_a_limit_ends_the_connection(proxy: TcpProxy) -> None:
    client = await connect(proxy)
    async with proxy.toxic(LimitData(bytes=10), "downstream"):
        client.writer.write(b"0123456789ABC")
        assert await client.rest() == b"0123456789"
        again = await connect(proxy)
        await again.trip(b"012345678")


async def test_a_reset_is_one(proxy: TcpProxy) -> None:
    client = await connect(proxy)
    await client.trip(b"x")
    async with proxy.toxic(ResetPeer(timeout=20), "downstream"):
        with pytest.raises(ConnectionResetError):
            await client.rest()


async def test_a_proxy_that_is_down_refuses_keeps_its_port_and_comes_back(proxy: TcpProxy) -> None:
    client = await connect(proxy)
    await client.trip(b"x")
    await proxy.disable()
    assert await client.rest() == b""
    assert not proxy.open
    with pytest.raises(ConnectionRefusedError):
        await connect(proxy)
    await proxy.enable()
    await (await connect(proxy)).trip(b"x")


async def test_packets_that_are_dropped_are_not_answered_and_arrive_in_the_end(
    proxy: TcpProxy,
) -> None:
    client = await connect(proxy)
    await client.trip(b"x")
    assert proxy.drop_packets() == 1
    client.writer.write(b"waits")
    waiting = asyncio.ensure_future(client.reader.readexactly(5))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await asyncio.shield(waiting)
    with pytest.raises(TimeoutError):  # neither taken nor refused
        async with asyncio.timeout(0.2):
            await connect(proxy)
    assert len(proxy.open) == 1
    proxy.pass_packets()
    async with asyncio.timeout(WITHIN_S):
        assert await waiting == b"waits"
    await (await connect(proxy)).trip(b"y")


async def test_a_proxy_that_drops_packets_can_be_closed(proxy: TcpProxy) -> None:
    client = await connect(proxy)
    await client.trip(b"x")
    proxy.drop_packets()
    async with asyncio.timeout(WITHIN_S):
        await proxy.close()
    assert await client.rest() == b""


async def test_a_server_that_is_gone_is_told_by_a_reset(proxy: TcpProxy) -> None:
    proxy.server = ("127.0.0.1", 1)
    client = await connect(proxy)
    with pytest.raises(ConnectionResetError):
        await client.rest()
    assert proxy.unreached == 1


@pytest.mark.parametrize("toxic", [Latency(latency=3600_000), Timeout(), SlowClose(delay=3600_000)])
async def test_it_is_closed_whatever_holds_its_connections(proxy: TcpProxy, toxic: Toxic) -> None:
    proxy.add(toxic, "upstream")
    client = await connect(proxy)
    client.writer.write(b"x")
    client.writer.write_eof()
    while not proxy.accepted:
        await asyncio.sleep(0.001)
    async with asyncio.timeout(WITHIN_S):
        await proxy.close()
    assert not proxy.open


async def test_what_nobody_reads_is_not_held_without_end(proxy: TcpProxy) -> None:
    client = await connect(proxy)

    async def send() -> None:
        async with asyncio.timeout(0.3):
            for _ in range(1000):
                client.writer.write(b"x" * 100_000)
                await client.writer.drain()

    async with proxy.toxic(Latency(latency=3600_000), "upstream"):
        with pytest.raises(TimeoutError):
            await send()
        (connection,) = proxy.open
        held = connection.flows["upstream"].held
        assert 0 < held._bytes <= BUFFER_BYTES + 16 * 1024
