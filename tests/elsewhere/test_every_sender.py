"""Every sender obeys a gateway that asks to wait, and knows a token whose time is over."""

import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import jwt
import pytest
from aiohttp import web

from contracts.conformance.fuzzing import sending
from contracts.conformance.fuzzing.case import Case
from contracts.tenancy.requests.request_shapes import PreparedRequest
from contracts.upload.raw_upload import RawUpload
from harness.client import Organization, Organizations, Routes, Samples, Transport
from harness.client.cleanup import clean_up
from harness.client.routes import Route
from harness.client.run_mark import Created, RunMark, read_leftovers
from harness.client.tenants.provisioning import Provisioner
from harness.errors import Inconclusive, Misconfigured
from harness.machine.journal import Journal
from harness.system.external import find_external
from harness.target import Target, load_target
from harness.target.tables.chaos import CleanupCall, Removable
from harness.target.tokens.token_calls import CalledTokens
from load.users.expired_token import expired_token
from load.users.gateway import wait_s
from tests.answers import answer

TEXT = """\
name = "elsewhere"
driver = "external"
[api]
base_urls = ["{url}"]
ready_timeout_s = 3
[tokens.given]
token = "{token}"
"""
CALLS = CalledTokens.model_validate(
    {
        "organization": {"path": "/organizations", "gives": {"organization": "/id"}},
        "user": {"path": "/users", "gives": {"user": "/id", "token": "/id"}},
    }
)


def token(lasts_s: float) -> str:
    claims = {"sub": "u", "app_metadata": {"organization_id": "o"}, "exp": time.time() + lasts_s}
    return jwt.encode(claims, "a-secret-that-is-long-enough-for-hs256")


@dataclass
class Gateway:
    """Refuses the first requests of each kind, and lets the others through."""

    url: str = ""
    status: int = 429
    asks_s: int = 0
    refusals: int = 0
    seen: list[str] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        await request.read()
        self.seen.append(request.path)
        if self.refusals:
            self.refusals -= 1
            headers = {"Retry-After": str(self.asks_s)}
            if self.status == HTTPStatus.UNAUTHORIZED:
                headers = {"WWW-Authenticate": "Bearer"}
            return web.Response(status=self.status, text="<h1>not now</h1>", headers=headers)
        location = {"Location": "/api/jobs/7"} if request.method == "POST" else {}
        return web.json_response({"id": "7"}, status=200, headers=location)


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    made = Gateway()
    application = web.Application(client_max_size=2**26)
    application.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@dataclass(frozen=True, kw_only=True)
class Sending:
    """What a sender needs."""

    org: Organization
    transport: Transport
    routes: Routes
    folder: Path

    @property
    def route(self) -> Route:
        return Route(operation_id="GET /by-hand", method="GET", template="/by-hand")


async def call(given: Sending) -> None:
    await given.org.client.call("listJobs")


async def by_hand(given: Sending) -> None:
    request = PreparedRequest(
        route=given.route, path="/by-hand", query={}, headers={}, content=None
    )
    await request.send(given.org.client, 0)


async def followed(given: Sending) -> None:
    begun = answer(201, location="/api/jobs/7")
    await given.org.client.follow(begun)


async def at_an_address(given: Sending) -> None:
    await given.transport.fetch(
        f"{given.transport.base_urls[0]}/signed",
        operation_id="downloadExport",
        instance=0,
        deadline_s=5,
        headers={},
    )


async def whole_on_a_socket(given: Sending) -> None:
    upload = RawUpload(client=given.org.client, job_id="7")
    await upload.whole(upload.body(Samples(random.Random(7)).new()))


async def once_on_a_socket(given: Sending) -> None:
    upload = RawUpload(client=given.org.client, job_id="7")
    async with upload.begin(length=0) as connection:
        await connection.answer()


async def generated(given: Sending) -> None:
    case = Case(
        number=1,
        operation_id="listJobs",
        phase="fuzzing",
        positive=True,
        about="",
        method="GET",
        target="/api/jobs",
        headers=(),
        body=None,
    )
    await sending.send(given.org.client, case, instance=0)


async def by_token_calls(given: Sending) -> None:
    caller = Provisioner(tokens=CALLS, transport=given.transport, learn=lambda _: None)
    await caller.new_organization("test")


Sender = Callable[[Sending], Awaitable[None]]
REPEATING: tuple[Sender, ...] = (
    *(call, by_hand, followed, at_an_address, whole_on_a_socket, generated, by_token_calls),
)
ONCE: tuple[Sender, ...] = (once_on_a_socket,)
WITH_A_TOKEN = tuple(
    each for each in (*REPEATING, *ONCE) if each not in (at_an_address, by_token_calls)
)


async def sent(
    sender: Sender, gateway: Gateway, folder: Path, *, lasts_s: float = 600
) -> tuple[int, str]:
    """Let one sender send; give how many requests it took, and why it does not know the answer."""
    file = folder / "shakedown.toml"
    file.write_text(TEXT.format(url=gateway.url, token=token(lasts_s)), encoding="utf-8")
    target = load_target(file)
    async with Organizations.of(target, [gateway.url]) as organizations:
        given = Sending(
            org=await organizations.new(),
            transport=organizations.transport,
            routes=organizations.routes,
            folder=folder,
        )
        try:
            await sender(given)
        except Inconclusive as unknown:
            return len(gateway.seen), unknown.reason
    return len(gateway.seen), ""


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("sender", REPEATING)
async def test_who_is_asked_to_wait_a_moment_sends_it_again(
    gateway: Gateway, sender: Sender, status: int, tmp_path: Path
) -> None:
    alone, _ = await sent(sender, gateway, tmp_path)
    gateway.seen.clear()
    gateway.refusals, gateway.status = 1, status
    assert await sent(sender, gateway, tmp_path) == (alone + 1, "")


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("sender", [*REPEATING, *ONCE])
async def test_who_is_asked_to_wait_for_an_hour_blames_no_backend(
    gateway: Gateway, sender: Sender, status: int, tmp_path: Path
) -> None:
    gateway.refusals, gateway.status, gateway.asks_s = 99, status, 3600
    requests, reason = await sent(sender, gateway, tmp_path)
    assert requests == 1
    assert f"{status} to" in reason
    assert "asks to wait 3600 s" in reason


@pytest.mark.parametrize("sender", WITH_A_TOKEN)
async def test_a_token_that_runs_out_blames_no_backend(
    gateway: Gateway, sender: Sender, tmp_path: Path
) -> None:
    gateway.refusals, gateway.status = 1, 401
    _, reason = await sent(sender, gateway, tmp_path, lasts_s=-1)
    assert "the token ran out at 20" in reason
    assert "give one that lasts longer" in reason


@pytest.mark.parametrize("sender", WITH_A_TOKEN)
async def test_a_valid_token_that_is_refused_is_for_the_check_to_judge(
    gateway: Gateway, sender: Sender, tmp_path: Path
) -> None:
    gateway.refusals, gateway.status = 1, 401
    assert await sent(sender, gateway, tmp_path) == (1, "")


async def test_the_backends_clock_decides_about_its_own_refusal(tmp_path: Path) -> None:
    late = answer(401, date="Mon, 30 Nov 2043 12:00:00 GMT")
    assert "the token ran out at" in expired_token(late, token(600))
    assert expired_token(answer(401), token(600)) == ""
    assert expired_token(answer(403), token(-1)) == ""
    assert expired_token(answer(401), "opaque") == ""


async def left_behind(gateway: Gateway, folder: Path) -> tuple[str, ...]:
    """Remove a job and an export at the end of a run; give what is left."""
    mark = RunMark("7-abc", folder / "created.jsonl")
    made = Created(kind="job", id="7", headers={"authorization": "Bearer its"})
    mark.created += [made]
    mark.left(made, "no attempt to remove it")
    calls: Mapping[Removable, CleanupCall] = {
        "job": CleanupCall(method="DELETE", path="/api/jobs/{job_id}")
    }
    async with Transport([gateway.url], has_gateway=True) as transport:
        await clean_up(mark, transport, Routes({}), calls)
    return read_leftovers(mark.file, "7-abc").left


@pytest.mark.parametrize("status", [429, 503])
async def test_cleaning_up_waits_for_a_gateway_and_says_what_it_left(
    gateway: Gateway, status: int, tmp_path: Path
) -> None:
    gateway.refusals, gateway.status = 1, status
    assert await left_behind(gateway, tmp_path) == ()
    gateway.refusals, gateway.asks_s = 99, 3600
    (left,) = await left_behind(gateway, tmp_path)
    assert left.startswith("job 7: a gateway or rate limit lets no more requests through")


def target_at(gateway: Gateway, folder: Path) -> Target:
    file = folder / "shakedown.toml"
    file.write_text(TEXT.format(url=gateway.url, token=token(600)), encoding="utf-8")
    return load_target(file)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal.begin(tmp_path)


@pytest.mark.parametrize("status", [429, 503])
async def test_readiness_waits_as_it_is_asked(
    gateway: Gateway, status: int, journal: Journal, tmp_path: Path
) -> None:
    gateway.refusals, gateway.status, gateway.asks_s = 2, status, 1
    system = await find_external(target_at(gateway, tmp_path), journal, lambda _: None, "main")
    await system.close()
    assert len(gateway.seen) == 3, "each wait is one request less"


async def test_readiness_says_what_a_rate_limit_asks_for(
    gateway: Gateway, journal: Journal, tmp_path: Path
) -> None:
    gateway.refusals, gateway.asks_s = 99, 3600
    with pytest.raises(Misconfigured, match=r"rate limit .* asks to wait 3600 s.* raise the limit"):
        await find_external(target_at(gateway, tmp_path), journal, lambda _: None, "main")
    assert len(gateway.seen) == 1


async def test_a_backend_that_starts_is_asked_again_whatever_its_503_asks_for(
    gateway: Gateway, journal: Journal, tmp_path: Path
) -> None:
    gateway.refusals, gateway.status, gateway.asks_s = 1, 503, 3600
    system = await find_external(target_at(gateway, tmp_path), journal, lambda _: None, "main")
    await system.close()
    assert len(gateway.seen) == 2


@pytest.mark.parametrize("status", [429, 503])
def test_users_under_load_wait_as_they_are_asked(status: int) -> None:
    soon, late = (answer(status, retry_after=str(each)) for each in (0, 3600))
    assert wait_s(soon, 0, has_gateway=True)
    assert wait_s(late, 0, has_gateway=True) is None, "then `load.served` tells it"
