"""A backend that is right behind a gateway that does what gateways may do."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from harness.system import System

from .conftest import Gate, known_by

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

PREFIX = "/v1"


@asynccontextmanager
async def gateway(
    upstream: str, *, limit: int = 0, wait_s: int = 0, remembers_prefix: bool = True
) -> AsyncIterator[str]:
    """Adds a path before those of the backend; refuses every `limit`-th request, if given."""
    numbers = itertools.count(1)

    async def forward(request: web.Request) -> web.Response:
        if limit and next(numbers) % limit == 0:
            return web.Response(status=429, text="slow", headers={"Retry-After": str(wait_s)})
        kept = ("authorization", "content-type", "idempotency-key", "x-request-id", "range")
        async with sending.request(
            request.method,
            upstream + request.path_qs.removeprefix(PREFIX),
            headers={name: request.headers[name] for name in kept if name in request.headers},
            data=await request.read(),
            allow_redirects=False,
        ) as got:
            headers = got.headers.copy()
            for name in ("Transfer-Encoding", "Content-Length", "Connection"):
                headers.popall(name, None)
            if "Location" in headers and remembers_prefix:
                headers["Location"] = PREFIX + headers["Location"]
            return web.Response(status=got.status, headers=headers, body=await got.read())

    application = web.Application(client_max_size=2**26)
    application.router.add_route("*", PREFIX + "/{path:.*}", forward)
    server = TestServer(application)
    async with ClientSession(auto_decompress=False) as sending, server:
        yield str(server.make_url(PREFIX))


async def test_a_gateway_with_a_path_and_a_rate_limit_is_no_fault_of_the_backend(
    reference: System, gate: Gate
) -> None:
    known = await known_by(reference)
    async with gateway(known["BACKEND_URL"], limit=7) as url:
        outcome = await gate.run(
            "--only", "golden.upload", environment={**known, "BACKEND_URL": url}
        )
    assert (outcome.code, outcome.verdicts()) == (0, {"golden.upload": "pass"}), outcome.told


async def test_a_rate_limit_beyond_the_bound_leaves_checks_open(
    reference: System, gate: Gate
) -> None:
    known = await known_by(reference)
    async with gateway(known["BACKEND_URL"], limit=3, wait_s=3600) as url:
        outcome = await gate.run(
            "--only", "golden.upload", environment={**known, "BACKEND_URL": url}
        )
    assert outcome.code == 2, outcome.told
    assert "asks to wait 3600 s" in outcome.told


async def test_a_gateway_that_forgets_its_path_in_location_is_a_finding(
    reference: System, gate: Gate
) -> None:
    known = await known_by(reference)
    async with gateway(known["BACKEND_URL"], remembers_prefix=False) as url:
        outcome = await gate.run(
            "--only", "golden.upload", environment={**known, "BACKEND_URL": url}
        )
    assert outcome.code == 1, outcome.told
    assert "RFC 3986" in outcome.told
