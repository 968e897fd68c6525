"""Uploads by hand are a run's like any other: they say whose they are, and are written down."""

from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from contracts.upload.raw_upload import RawUpload
from harness.client import Client, Sample
from harness.client.http.transport import Transport
from harness.client.routes import contract_routes
from harness.client.run_mark import RunMark
from harness.errors import Inconclusive
from harness.target.contract.dialect import Contract

DOCUMENT = Path(__file__).parents[3] / "contracts" / "openapi.yaml"


async def test_what_a_hand_written_upload_makes_is_written_down(tmp_path: Path) -> None:
    agents: list[str] = []

    async def upload(request: web.Request) -> web.Response:
        agents.append(request.headers["user-agent"])
        await request.read()
        return web.json_response({"data": {"id": "e1", "job_id": "j1"}}, status=201)

    mark = RunMark("7-abc", tmp_path / "created.jsonl")
    application = web.Application()
    application.router.add_post("/{path:.*}", upload)
    server = TestServer(application)
    async with server, Transport([str(server.make_url(""))], mark) as transport:
        routes = contract_routes(Contract(openapi=str(DOCUMENT)))
        client = Client(transport=transport, routes=routes, token="of-the-user")
        by_hand = RawUpload(client=client, job_id="j1")
        await by_hand.whole(by_hand.body(Sample("a.png", "image/png", b"png")))
    assert [(one.kind, one.id, one.job_id) for one in mark.created] == [("evidence", "e1", "j1")]
    assert mark.created[0].headers == {"authorization": "Bearer of-the-user"}
    assert agents == [mark.user_agent]


async def test_a_rate_limit_is_obeyed_by_uploads_by_hand() -> None:
    statuses = [429, 201]

    async def upload(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=statuses.pop(0), headers={"retry-after": "0"})

    application = web.Application()
    application.router.add_post("/{path:.*}", upload)
    server = TestServer(application)
    async with server, Transport([str(server.make_url(""))]) as transport:
        routes = contract_routes(Contract(openapi=str(DOCUMENT)))
        by_hand = RawUpload(
            client=Client(transport=transport, routes=routes, token=None), job_id="j1"
        )
        body = by_hand.body(Sample("a.png", "image/png", b"png"))
        assert (await by_hand.whole(body)).status == 201
        statuses.append(429)
        async with by_hand.begin(length=len(body)) as connection:
            await connection.send(body)
            with pytest.raises(Inconclusive, match="429"):  # written once: not to be repeated
                await connection.answer()
