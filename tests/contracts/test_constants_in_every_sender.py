"""Whoever sends a request sends the target's constants: a gateway lets nothing else through."""

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from contracts.claim.readiness import read_fallback_total
from contracts.conformance.fuzzing.case import Case
from contracts.conformance.fuzzing.sending import send
from contracts.upload.raw_upload import RawUpload
from harness.client import Client, Organizations, Record, Route, Sample
from harness.client.http.sent_body import Interrupted
from harness.client.run_mark import RunMark
from harness.client.stalled_upload import stalled_upload
from harness.instances.database_access import DatabaseAccess
from harness.instances.description import Instance, Role
from harness.instances.handle import InstanceHandle
from harness.instances.plan import Driver, Plan
from harness.instances.start import start_instance
from harness.machine.journal import Journal
from harness.plugin.fixtures import OwnSystem
from harness.system.external import find_external
from harness.target import Target, load_target
from load.users.environment import CONTRACT, locust_environment
from load.users.request_dialect import RequestDialect
from tests.web_server import serving

KEY = "sb-anon-0123456789abcdef"

TEXT = """\
name = "behind a gateway"
driver = "external"
api = {{ base_urls = ["{url}"] }}
[tokens.calls]
headers = {{ Authorization = "Bearer of-the-admin" }}
[tokens.calls.organization]
path = "/tenants"
body = {{ name = "{{name}}" }}
gives = {{ organization = "/id" }}
[tokens.calls.user]
path = "/people"
gives = {{ user = "/id", token = "/token" }}
[cleanup]
job = {{ path = "/gone/{{job_id}}" }}
[contract.constants]
headers = {{ apikey = "{{env:GATEWAY_KEY}}" }}
query = {{ tier = 2 }}
[contract.operations.createJob.constants]
headers = {{ X-Client = "case files" }}
body = {{ kind = "inspection", "/meta/source" = "field" }}
[contract.operations.uploadEvidence.constants]
body = {{ bucket = "evidence" }}
[contract.operations.cancelExport.constants]
body = {{ reason = "asked" }}
"""

CREATED = {
    "data": {"id": "00000000-0000-4000-8000-000000000001", "job_id": "1"},
    "id": "t1",
    "token": "of-the-user",
}
FILE = Sample("a.png", "image/png", b"png")
JOB = Record({"id": "1"})


@dataclass
class Gateway:
    """Refuses everything without its key; keeps what it lets through."""

    url: str = ""
    seen: list[tuple[str, web.Request, bytes]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        what = f"{request.method} {request.path_qs}"
        if request.headers.get("apikey") != KEY or request.query.getall("tier", []) != ["2"]:
            self.refused.append(what)
            return web.json_response({"message": "No API key found in request"}, status=401)
        self.seen.append((what, request, body))
        location = {"Location": "/api/jobs/1?view=all"}
        return web.json_response(CREATED, status=201, headers=location)

    def target(self, directory: Path) -> Target:
        file = directory / "shakedown.toml"
        file.write_text(TEXT.format(url=self.url), encoding="utf-8")
        return load_target(file)


@dataclass
class Sender:
    """What a sender needs."""

    target: Target
    organizations: Organizations
    client: Client
    gateway: Gateway
    directory: Path


@pytest.fixture
async def sender(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sender]:
    monkeypatch.setenv("GATEWAY_KEY", KEY)
    gateway = Gateway()
    async with serving(gateway.handle, shutdown_timeout=0) as gateway.url:
        target = gateway.target(tmp_path)
        mark = RunMark("7-abc", tmp_path / "created.jsonl", cleanup=True)
        async with Organizations.of(target, [gateway.url], mark) as organizations:
            client = organizations.with_token("of-the-user")
            yield Sender(target, organizations, client, gateway, tmp_path)


async def the_client(to: Sender) -> None:
    await to.client.call("listJobs", query={"limit": 5})


async def a_client_without_a_token(to: Sender) -> None:
    await to.organizations.with_token(None).call("listJobs")


async def following_a_location(to: Sender) -> None:
    await to.client.follow(await to.client.call("createJob", json={"title": "x"}))


async def a_method_of_no_operation(to: Sender) -> None:
    route = Route(operation_id="DELETE /api/jobs", method="DELETE", template="/api/jobs")
    await to.client.transport.send(
        route, "/api/jobs", instance=0, deadline_s=5, headers={}, body=b"{"
    )


async def an_interrupted_write(to: Sender) -> None:
    async def meanwhile() -> None:
        await to.client.call("listJobs")

    body = Interrupted(content=b'{"title":"x"}', meanwhile=meanwhile)
    headers = {"content-type": "application/json"}
    await to.client.call("createJob", content=body, headers=headers)


async def an_upload_by_hand(to: Sender) -> None:
    upload = RawUpload(client=to.client, job_id="1")
    await upload.whole(upload.body(FILE))


async def a_stalled_upload(to: Sender) -> None:
    async with stalled_upload(to.client, JOB, FILE, key="k") as stalled:
        await stalled.finish()


async def a_generated_request(to: Sender) -> None:
    case = Case(
        number=1,
        operation_id="createJob",
        phase="fuzzing",
        positive=False,
        about="an unknown parameter",
        method="POST",
        target="/api/jobs?unknown=1",
        headers=(("Content-Type", "application/json"), ("APIKEY", "drawn")),
        body=b'{"title":"x"}',
    )
    await send(to.client, case, instance=0)


async def a_user_under_load(to: Sender) -> None:
    home = to.directory
    environment = locust_environment(
        {}, base_urls=[], tokens={}, home=home, history=home, contract=to.target.contract
    )
    dialect = RequestDialect.of({CONTRACT: environment[CONTRACT]})
    route = dialect.routes["createJob"]
    request = dialect.request(route, {}, {}, json={"title": "x"})
    async with aiohttp.ClientSession() as session:
        await session.post(
            to.gateway.url + request.path,
            headers=request.headers,
            data=cast("bytes", request.body),
        )


async def the_probe_of_a_running_backend(to: Sender) -> None:
    await find_external(to.target, Journal.begin(to.directory), lambda _: None, "main")


@dataclasses.dataclass
class AtTheGateway(Driver):
    """Starts nothing: the gateway is there already."""

    url: str

    async def start(
        self, plan: Plan, name: str, role: Role, extra: Mapping[str, str], port: int
    ) -> InstanceHandle:
        log = plan.log_path(name)
        instance = Instance(name=name, role=role, base_url=self.url, log_path=log)
        return InstanceHandle(instance=instance)


def _probe_of(role: Role) -> Callable[[Sender], Awaitable[None]]:
    async def probe(to: Sender) -> None:
        worker = to.target.worker
        if worker is None:
            loaded = load_target().worker
            to.target = to.target.model_copy(update={"worker": loaded})
        plan = Plan(
            name="main",
            target=to.target,
            journal=Journal.begin(to.directory),
            driver=AtTheGateway(url=to.gateway.url),
            database=DatabaseAccess(),
        )
        await start_instance(plan, f"{role}-1", role, {})

    return probe


async def the_metrics_of_workers(to: Sender) -> None:
    target = to.target.model_copy(update={"worker": load_target().worker})
    worker = SimpleNamespace(base_url=to.gateway.url)
    system = SimpleNamespace(workers=[worker], is_alive=lambda _: True, target=target)
    own = cast("OwnSystem", SimpleNamespace(system=system))
    await read_fallback_total(own, to.client)


async def the_calls_that_make_tenants(to: Sender) -> None:
    await to.organizations.new("x")


async def the_cleanup(to: Sender) -> None:
    await to.client.create_job()
    await to.organizations.close()


SENDERS = (
    the_client,
    a_client_without_a_token,
    following_a_location,
    a_method_of_no_operation,
    an_interrupted_write,
    an_upload_by_hand,
    a_stalled_upload,
    a_generated_request,
    a_user_under_load,
    the_probe_of_a_running_backend,
    _probe_of("api"),
    _probe_of("worker"),
    the_metrics_of_workers,
    the_calls_that_make_tenants,
    the_cleanup,
)


@pytest.mark.parametrize("sends", SENDERS)
async def test_every_sender_sends_the_constants(
    sender: Sender, sends: Callable[[Sender], Awaitable[None]]
) -> None:
    await asyncio.wait_for(sends(sender), 20)
    assert not sender.gateway.refused
    assert sender.gateway.seen


@pytest.mark.parametrize("sends", [a_user_under_load, a_generated_request, an_interrupted_write])
async def test_an_operation_has_constants_of_its_own(
    sender: Sender, sends: Callable[[Sender], Awaitable[None]]
) -> None:
    await sends(sender)
    _, request, body = next(one for one in sender.gateway.seen if one[0].startswith("POST"))
    sent: Any = json.loads(body)
    assert sent == {"title": "x", "kind": "inspection", "meta": {"source": "field"}}
    assert request.headers["X-Client"] == "case files"


@pytest.mark.parametrize("sends", [an_upload_by_hand, a_stalled_upload])
async def test_a_form_has_its_constant_part_once(
    sender: Sender, sends: Callable[[Sender], Awaitable[None]]
) -> None:
    await sends(sender)
    _, request, body = sender.gateway.seen[-1]
    assert body.count(b'name="bucket"\r\n\r\nevidence\r\n') == 1
    assert body.count(b'name="file"; filename="a.png"') == 1
    assert request.content_length == len(body)


async def test_a_body_that_is_broken_on_purpose_stays_so_and_none_gets_one(sender: Sender) -> None:
    kind = {"content-type": "application/json"}
    await sender.client.call("createJob", content=b'{"title": ', headers=kind)
    await sender.client.call("cancelExport", path={"export_id": "1"})
    bodies = [body for _, _, body in sender.gateway.seen]
    assert bodies == [b'{"title": ', b'{"reason":"asked"}']


async def test_no_other_server_gets_them(sender: Sender) -> None:
    elsewhere = Gateway()
    async with serving(elsewhere.handle) as elsewhere.url:
        assert urlsplit(elsewhere.url).port != urlsplit(sender.gateway.url).port
        route = Route(operation_id="downloadExport", method="GET", template="/signed")
        send_to = sender.client.transport.send
        await send_to(route, "/signed", instance=0, deadline_s=5, headers={}, server=elsewhere.url)
    assert elsewhere.refused == ["GET /signed"]


def test_the_key_is_a_secret(sender: Sender) -> None:
    assert KEY in sender.target.secrets
    assert "case files" not in sender.target.secrets


async def test_what_a_call_of_the_target_says_itself_stays(sender: Sender) -> None:
    route = Route(operation_id="x", method="GET", template="/a", by_target=True)
    headers = {"ApiKey": KEY, "X-Own": "1"}
    await sender.client.transport.send(
        route, "/a?tier=2", instance=0, deadline_s=5, headers=headers
    )
    what, request, _ = sender.gateway.seen[-1]
    assert what == "GET /a?tier=2"
    assert request.headers.getall("apikey") == [KEY]
