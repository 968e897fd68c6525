"""Liveness, readiness and metrics: no token needed, nothing of any tenant shown."""

from aiohttp import web


async def live(_request: web.Request) -> web.Response:
    """GET /livez: the process runs and its event loop turns."""
    return web.json_response({"data": {"status": "live"}})


async def ready(request: web.Request) -> web.Response:
    """GET /readyz."""
    raise NotImplementedError


async def metrics(request: web.Request) -> web.Response:
    """GET /metrics."""
    raise NotImplementedError
