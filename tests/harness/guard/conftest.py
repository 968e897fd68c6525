from collections.abc import AsyncIterator, Sequence

import pytest
from aiohttp import web


@pytest.fixture
async def redirecting() -> AsyncIterator[tuple[str, Sequence[str]]]:
    """A server that sends everybody elsewhere, and the paths that were asked of both."""
    visited: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        visited.append(request.path)
        return web.Response(status=307, headers={"location": f"http://{other}/caught"})

    async def caught(request: web.Request) -> web.Response:
        visited.append(request.path)
        return web.Response()

    runners = []
    places = []
    for handler in (caught, elsewhere):
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        runners.append(runner)
        places.append(f"127.0.0.1:{runner.addresses[0][1]}")
    other = places[0]
    yield f"http://{places[1]}", visited
    for runner in runners:
        await runner.cleanup()
