import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from harness.client import Client, NoAnswer, Route, Routes, Sample, Transport
from harness.client.http import bodies
from harness.errors import CheckFailed, Inconclusive

Handler = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]

TOKEN = "t0k3n"

ROUTES = Routes(
    {
        route.operation_id: route
        for route in (
            Route(operation_id="getJob", method="GET", template="/api/jobs/{job_id}"),
            Route(operation_id="createJob", method="POST", template="/api/jobs"),
            Route(operation_id="listJobs", method="GET", template="/api/jobs"),
            Route(operation_id="getExport", method="GET", template="/api/exports/{export_id}"),
            Route(
                operation_id="uploadEvidence",
                method="POST",
                template="/api/jobs/{job_id}/evidence/upload",
            ),
        )
    }
)


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[str]:
    """A server that hands each request, read to its end, to `handler`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = 0
                for line in head.decode().lower().split("\r\n"):
                    if line.startswith("content-length:"):
                        length = int(line.partition(":")[2])
                await handler(head + await reader.readexactly(length), writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()


def answering(*answers: bytes) -> tuple[Handler, list[bytes]]:
    """A handler that gives these answers in turn, and what it was asked."""
    asked: list[bytes] = []

    async def handler(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(answers[min(len(asked), len(answers) - 1)])
        asked.append(request)

    return handler, asked


@asynccontextmanager
async def client_of(*urls: str, token: str | None = TOKEN) -> AsyncIterator[Client]:
    async with Transport(urls) as transport:
        yield Client(transport=transport, routes=ROUTES, token=token)


async def test_a_request_carries_token_path_and_body_and_its_answer_comes_back() -> None:
    handler, asked = answering(http(b'{"data": {"id": "7"}}', "201 Created", "X-Request-ID: r-1"))
    async with server(handler) as url, client_of(url) as client:
        job = await client.create_job("A roof")
        answer = await client.call("getJob", path={"job_id": "a/b"}, query={"x": "é"})
    assert job["id"] == "7"
    assert answer.request_id == "r-1"
    assert answer.headers["X-REQUEST-ID"] == "r-1"
    head, _, body = asked[0].partition(b"\r\n\r\n")
    assert b"authorization: Bearer t0k3n" in head
    assert body == b'{"title":"A roof"}'
    assert asked[1].startswith(b"GET /api/jobs/a%2Fb?x=%C3%A9 HTTP/1.1")


async def test_an_upload_is_a_multipart_form_under_a_key() -> None:
    handler, asked = answering(http(b"{}"))
    sample = Sample("r.png", "image/png", b"\x89PNG bytes")
    async with server(handler) as url, client_of(url, token=None) as client:
        await client.upload("7", sample, key="k-1", form={"tag": "roof"})
    assert b"idempotency-key: k-1" in asked[0]
    assert b"authorization" not in asked[0]
    assert b'name="file"; filename="r.png"\r\nContent-Type: image/png' in asked[0]
    assert b"\x89PNG bytes" in asked[0]
    assert b'name="tag"\r\n\r\nroof' in asked[0]


async def test_instances_are_asked_in_turn_unless_one_is_named() -> None:
    one, two = answering(http(b"1"))[0], answering(http(b"2"))[0]
    async with server(one) as first, server(two) as second, client_of(first, second) as client:
        turns = [(await client.call("listJobs")).body for _ in range(4)]
        pinned = [(await client.at(1).call("listJobs")).body for _ in range(2)]
        named = await client.at(1).call("listJobs", instance=0)
    assert turns == [b"1", b"2", b"1", b"2"]
    assert (pinned, named.body) == ([b"2", b"2"], b"1")


async def test_silence_ends_at_the_deadline_and_may_have_happened() -> None:
    async def silent(_request: bytes, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)

    async with server(silent) as url, client_of(url) as client:
        with pytest.raises(NoAnswer, match=r"GET /api/jobs from API instance 1 within 0.2 s") as no:
            await client.call("listJobs", deadline_s=0.2)
    assert no.value.outcome == "info"
    assert isinstance(no.value, CheckFailed)


async def test_a_byte_now_and_then_does_not_put_the_deadline_off() -> None:
    async def dripping(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(100):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with server(dripping) as url, client_of(url) as client:
        with pytest.raises(NoAnswer):
            await client.call("listJobs", deadline_s=0.2)


async def test_an_endless_body_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MAX_DOCUMENT_BYTES", 100_000)

    async def endless(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
            await writer.drain()

    async with server(endless) as url, client_of(url) as client:
        with pytest.raises(NoAnswer, match="at most 100000 bytes"):
            await client.call("listJobs", deadline_s=5)


async def test_a_refused_connection_surely_did_not_happen() -> None:
    async with server(answering(b"")[0]) as url:
        pass
    async with client_of(url) as client:
        with pytest.raises(NoAnswer) as no:
            await client.call("listJobs")
    assert no.value.outcome == "fail"


async def test_a_cut_connection_may_have_happened() -> None:
    async def cut(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    async with server(cut) as url, client_of(url) as client:
        with pytest.raises(NoAnswer) as no:
            await client.call("createJob", json={})
    assert no.value.outcome == "info"


async def test_redirects_are_shown_and_not_followed() -> None:
    handler, asked = answering(http(b"", "302 Found", "Location: http://127.0.0.1:1/elsewhere"))
    async with server(handler) as url, client_of(url) as client:
        answer = await client.call("listJobs")
        assert (answer.status, len(asked)) == (302, 1)
        with pytest.raises(CheckFailed, match="on this server"):
            await client.follow(answer)


async def test_a_location_is_followed_on_the_same_instance() -> None:
    handler, asked = answering(http(b"{}", "201 Created", "Location: /api/jobs/7"), http(b"seven"))
    async with server(handler) as url, client_of(url) as client:
        assert (await client.follow(await client.call("createJob", json={}))).body == b"seven"
    assert asked[1].startswith(b"GET /api/jobs/7 ")


async def test_a_location_is_resolved_below_the_path_of_all_requests() -> None:
    made = http(b"{}", "201 Created", "Location: /v1/api/jobs/7")
    handler, asked = answering(made, http(b"seven"))
    async with server(handler) as url, client_of(f"{url}/v1") as client:
        assert (await client.follow(await client.call("createJob", json={}))).body == b"seven"
    assert asked[1].startswith(b"GET /v1/api/jobs/7 ")


async def test_a_location_that_forgets_that_path_fails_the_check() -> None:
    made = http(b"{}", "201 Created", "Location: /api/jobs/7")
    handler, asked = answering(made, http(b"no route", "404 Not Found"))
    async with server(handler) as url, client_of(f"{url}/v1") as client:
        answer = await client.call("createJob", json={})
        with pytest.raises(CheckFailed, match=f"below {url}/v1") as failed:
            await client.follow(answer)
    assert asked[1].startswith(b"GET /api/jobs/7 ")
    assert "RFC 3986" in failed.value.got


async def test_a_rate_limit_is_waited_for_and_the_request_sent_again() -> None:
    busy = http(b"<h1>slow down</h1>", "429 Too Many Requests", "Retry-After: 0")
    handler, asked = answering(busy, http(b"{}", "201 Created"))
    async with server(handler) as url, client_of(url) as client:
        assert (await client.call("createJob", json={"title": "a"})).status == 201
    assert asked[0].split(b"\r\n\r\n")[1] == asked[1].split(b"\r\n\r\n")[1] == b'{"title":"a"}'


async def test_a_rate_limit_that_asks_for_an_hour_is_inconclusive() -> None:
    busy = http(b"<h1>slow down</h1>", "429 Too Many Requests", "Retry-After: 3600")
    handler, asked = answering(busy)
    async with server(handler) as url, client_of(url) as client:
        with pytest.raises(Inconclusive, match="3600 s"):
            await client.call("createJob", json={})
    assert len(asked) == 1


async def test_lists_are_read_to_their_end() -> None:
    handler, asked = answering(
        http(b'{"data": [{"id": 1}, {"id": 2}], "next_cursor": "c+1"}'),
        http(b'{"data": [{"id": 3}], "next_cursor": null}'),
    )
    async with server(handler) as url, client_of(url) as client:
        assert [job["id"] for job in await client.listed("listJobs")] == [1, 2, 3]
    assert b"cursor=c%2B1" in asked[1]


async def test_a_list_that_goes_in_circles_fails_the_check() -> None:
    handler, asked = answering(http(b'{"data": [], "next_cursor": "again"}'))
    async with server(handler) as url, client_of(url) as client:
        with pytest.raises(CheckFailed, match="then the cursor 'again'"):
            await client.listed("listJobs")
    assert len(asked) == 2


@pytest.mark.parametrize(("size", "pages"), [(0, 100), (3_000_000, 3)])
async def test_a_list_without_end_fails_the_check(size: int, pages: int) -> None:
    numbers = itertools.count(1)

    async def handler(_request: bytes, writer: asyncio.StreamWriter) -> None:
        padding = b" " * size
        writer.write(http(b'{"data": [], "next_cursor": "%d"%s}' % (next(numbers), padding)))

    async with server(handler) as url, client_of(url) as client:
        with pytest.raises(CheckFailed, match="to end within"):
            await client.listed("listJobs")
        of_others = replace(client, is_shared=True)
        with pytest.raises(Inconclusive, match="there are more; at most 100 pages"):
            await of_others.listed("listJobs")
    assert next(numbers) == 2 * pages + 1


async def test_a_cursor_that_returns_fails_in_an_organization_of_others_too() -> None:
    handler, _ = answering(http(b'{"data": [], "next_cursor": "again"}'))
    async with server(handler) as url, client_of(url) as client:
        with pytest.raises(CheckFailed, match="to end within"):
            await replace(client, is_shared=True).listed("listJobs")


def export(state: str) -> bytes:
    return http(b'{"data": {"id": "e", "state": "' + state.encode() + b'", "attempt": 1}}')


async def test_waiting_for_an_export_ends_when_it_is_ready() -> None:
    handler, asked = answering(export("queued"), export("preparing"), export("ready"))
    async with server(handler) as url, client_of(url) as client:
        assert (await client.wait_for_export("e"))["state"] == "ready"
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("state", "said"), [("failed", "it became failed"), ("queued", "it is still queued")]
)
async def test_waiting_ends_at_another_end_or_at_the_deadline(state: str, said: str) -> None:
    handler, _ = answering(export(state))
    async with server(handler) as url, client_of(url) as client:
        with pytest.raises(CheckFailed, match=said):
            await client.wait_for_export("e", deadline_s=0.1)
