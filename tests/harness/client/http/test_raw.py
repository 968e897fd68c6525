import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from harness.client import NoAnswer
from harness.client.http import raw as raw_module
from harness.client.http.raw import SEND_BUFFER_BYTES, RawConnection, chunk, connected
from harness.errors import Inconclusive
from harness.findings.exchanges import remembering

MiB = 1024 * 1024
REFUSED = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()


@asynccontextmanager
async def begun(url: str) -> AsyncIterator[RawConnection]:
    async with connected(
        url, method="POST", path="/upload", headers={"X": "y"}, operation_id="uploadEvidence"
    ) as connection:
        yield connection


async def test_an_answer_to_the_headers_alone() -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(REFUSED)
        await writer.drain()

    async with server(refuse) as url, begun(url) as connection:
        answer = await connection.answer()
    assert (answer.status, answer.body, connection.sent) == (413, b"{}", 0)
    assert (answer.method, answer.path) == ("POST", "/upload")


async def test_what_was_sent_is_evidence_also_without_an_answer() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(4)
        writer.write(REFUSED)
        await writer.drain()

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    with remembering() as recent:
        async with server(refuse) as url, begun(url) as connection:
            await connection.send(b"body")
            await connection.answer()
        async with server(hang_up) as url, begun(url) as connection:
            with pytest.raises(NoAnswer) as failed:
                await connection.answer()
    answered, unanswered = recent.last(2)
    assert answered.raw.startswith(b"POST /upload HTTP/1.1\r\n")
    assert answered.raw.endswith(b"\r\n\r\nbody")
    assert answered.raw_size == len(answered.raw)
    assert (answered.status, answered.answer) == (413, b"{}")
    assert (unanswered.status, failed.value.rule) == (None, "answer.given")
    assert "closed" in unanswered.problem


async def test_sending_stops_where_the_server_answers() -> None:
    async def refuse_at_two_mib(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(2 * MiB)
        writer.write(REFUSED)
        await writer.drain()
        while await reader.read(MiB):  # goes on reading, as servers do that linger
            pass

    async with server(refuse_at_two_mib) as url, begun(url) as connection:
        sent_all = await connection.send(bytes(64 * MiB))
        answer = await connection.answer()
    assert not sent_all
    assert answer.status == 413
    assert 2 * MiB <= connection.sent < 32 * MiB


async def test_an_answer_survives_a_server_that_hangs_up_on_what_is_still_sent() -> None:
    async def slam(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(MiB)
        writer.write(REFUSED)
        await writer.drain()
        writer.transport.abort()

    async with server(slam) as url, begun(url) as connection:
        await connection.send(bytes(64 * MiB))
        assert (await connection.answer()).status == 413


async def test_a_server_that_neither_reads_nor_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_module, "DEADLINE_S", 0.2)
    over = asyncio.Event()

    async def sleep(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await over.wait()

    async with server(sleep) as url:
        async with begun(url) as connection:
            with pytest.raises(NoAnswer, match="to be read whole, or answered"):
                await connection.send(bytes(64 * MiB), deadline_s=0.2)
            assert connection.sent >= SEND_BUFFER_BYTES // 2
            with pytest.raises(NoAnswer, match=r"within 0\.2 s"):
                await connection.answer(deadline_s=0.2)
        over.set()


async def test_a_server_that_closes_without_an_answer() -> None:
    async def close(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        return

    async with server(close) as url, begun(url) as connection:
        with pytest.raises(NoAnswer, match="closed without a whole answer"):
            await connection.answer()


async def test_a_reset_is_seen_as_one() -> None:
    seen = asyncio.get_running_loop().create_future()

    async def watch(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
            seen.set_result("end")
        except ConnectionResetError:
            seen.set_result("reset")

    async with server(watch) as url, begun(url) as connection:
        await connection.send(b"half")
        await connection.reset()
        assert await asyncio.wait_for(seen, 5) == "reset"


async def test_nobody_there_and_tls() -> None:
    with pytest.raises(NoAnswer, match="a connection for POST /upload"):
        async with begun("http://127.0.0.1:1"):
            pass
    with pytest.raises(Inconclusive, match="is not http"):
        async with begun("https://127.0.0.1:1"):
            pass


def test_chunks_are_framed() -> None:
    assert chunk(b"x" * 17) == b"11\r\n" + b"x" * 17 + b"\r\n"
    assert chunk(b"") == b"0\r\n\r\n"


async def test_a_flood_of_tiny_chunks_does_not_hold_up_the_deadline() -> None:
    """It is sent from a thread, so that there is always something to read."""
    flood = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 600_000

    def serve(listening: socket.socket) -> None:
        accepted, _ = listening.accept()
        with accepted, contextlib.suppress(OSError):
            accepted.sendall(flood)
            # A client that is quick has read all of it before its deadline: it goes on waiting,
            # and an end of ours before that would be another answer.
            while accepted.recv(64 * 1024):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        serving = asyncio.create_task(asyncio.to_thread(serve, listening))
        async with begun(url) as connection:
            with pytest.raises(NoAnswer, match=r"within 0\.2 s"):
                await connection.answer(deadline_s=0.2)
        await serving
