"""Uploads by hand are a run's like any other: they say whose they are, and are written down."""

from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer

from contracts.raw_upload import RawUpload
from harness.client import Organisations, Sample
from harness.client.mark import RunMark
from harness.target import load_target

TARGET = """\
name = "staging"
driver = "external"
[api]
base_urls = ["http://127.0.0.1:1"]
[tokens.mint]
secret = "0123456789abcdef0123456789abcdef"
claims = { sub = "{user}" }
"""


async def test_what_a_hand_written_upload_makes_is_written_down(tmp_path: Path) -> None:
    agents: list[str] = []

    async def upload(request: web.Request) -> web.Response:
        agents.append(request.headers["user-agent"])
        await request.read()
        return web.json_response({"data": {"id": "e1", "job_id": "j1"}}, status=201)

    file = tmp_path / "shakedown.toml"
    file.write_text(TARGET, encoding="utf-8")
    mark = RunMark("7-abc", tmp_path / "created.jsonl")
    application = web.Application()
    application.router.add_post("/{path:.*}", upload)
    async with TestServer(application) as server:
        base_url = str(server.make_url("/")).rstrip("/")
        async with Organisations.of(load_target(file), [base_url], mark) as organisations:
            client = organisations.with_token("of-the-user")
            by_hand = RawUpload(client=client, job_id="j1")
            await by_hand.whole(by_hand.body(Sample("a.png", "image/png", b"png")))
    assert [(one.kind, one.id, one.job_id) for one in mark.created] == [("evidence", "e1", "j1")]
    assert mark.created[0].headers == {"authorization": "Bearer of-the-user"}
    assert agents == [mark.user_agent]
