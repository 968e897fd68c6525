"""Connections that a server closes when it likes, and what is sent again then."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from harness.client import Client, NoAnswer, Sample, Transport
from harness.client.routes import Route, Routes

ROUTES = Routes(
    {
        "createJob": Route(operation_id="createJob", method="POST", template="/jobs"),
        "listJobs": Route(operation_id="listJobs", method="GET", template="/jobs"),
        "uploadEvidence": Route(
            operation_id="uploadEvidence", method="POST", template="/jobs/{job_id}/upload"
        ),
    }
)
FILE = Sample(file_name="a.png", mime_type="image/png", content=b"png")


@dataclass
class Forgetful:
    """Answers the first requests of each connection, then closes it when the next has arrived."""

    answers: int
    got: list[bytes] = field(default_factory=list)
    dies: bool = False
    """Whether it takes no other connection after it has closed one."""
    listening: asyncio.Server | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for number in range(self.answers + 1):
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(length or 0))
                self.got.append(head.split(b" ")[0])
                if number < self.answers:
                    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
                    writer.write(early + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            if self.dies and self.listening is not None:
                self.listening.close()
            writer.close()


@asynccontextmanager
async def client_of(server: Forgetful) -> AsyncIterator[Client]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.listening = listening
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening, Transport([url]) as transport:
        yield Client(transport=transport, routes=ROUTES, token=None)


async def test_a_safe_request_is_sent_again_on_a_new_connection() -> None:
    server = Forgetful(answers=1)
    async with client_of(server) as client:
        for _ in range(3):
            assert (await client.call("listJobs")).status == 200
    assert server.got.count(b"GET") > 3


async def test_a_request_with_a_key_is_sent_again_on_a_new_connection() -> None:
    server = Forgetful(answers=1)
    async with client_of(server) as client:
        assert (await client.call("listJobs")).status == 200
        assert (await client.upload("7", FILE)).status == 200
    assert server.got == [b"GET", b"POST", b"POST"]


async def test_any_other_request_is_sent_once_and_never_on_an_old_connection() -> None:
    server = Forgetful(answers=1)
    async with client_of(server) as client:
        for _ in range(3):
            assert (await client.call("listJobs")).status == 200
            assert (await client.call("createJob", json={})).status == 200
    assert server.got.count(b"POST") == 3


@pytest.mark.parametrize("operation", ["listJobs", "createJob", "uploadEvidence"])
async def test_a_server_that_never_answers_is_asked_once(operation: str) -> None:
    server = Forgetful(answers=0)
    async with client_of(server) as client:
        with pytest.raises(NoAnswer) as no:
            await client.call(
                operation, path={"job_id": "7"}, headers={"idempotency-key": "k"}, content=b""
            )
    assert len(server.got) == 1
    assert no.value.outcome == "info"


async def test_what_may_have_been_done_stays_unknown_when_the_server_is_gone() -> None:
    server = Forgetful(answers=1, dies=True)
    async with client_of(server) as client:
        await client.call("listJobs")
        with pytest.raises(NoAnswer) as no:
            await client.upload("7", FILE)
    assert server.got == [b"GET", b"POST"]
    assert no.value.outcome == "info"
