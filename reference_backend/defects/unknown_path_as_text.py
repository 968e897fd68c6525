"""A path without a route is answered by the framework, not by our error handling."""

from aiohttp import web

from reference_backend.api import middleware
from reference_backend.api.routes import Handler
from reference_backend.defects import Defect


def _patch() -> None:
    clean = middleware.answer_problems

    @web.middleware
    async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
        if isinstance(request.match_info.http_exception, web.HTTPNotFound):
            return web.Response(status=404, text="404: Not Found")
        return await clean(request, handler)

    middleware.answer_problems = answer_problems


DEFECT = Defect(
    title="An unknown path is answered in plain text",
    source="known: error handlers that are registered per route",
    expected=("contract.problem-details",),
    patch=_patch,
)
