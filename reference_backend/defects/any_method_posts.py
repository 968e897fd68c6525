"""Routes that change something accept PUT as well, for a client that could not be changed."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from reference_backend.defects import Defect


def _patch() -> None:
    clean = web.UrlDispatcher.add_post
    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]  # noqa: N806 - a type

    def add_post(
        router: web.UrlDispatcher,
        path: str,
        handler: Handler,
        **more: Any,  # noqa: ANN401
    ) -> web.AbstractRoute:
        router.add_put(path, handler, **more)
        return clean(router, path, handler, **more)

    web.UrlDispatcher.add_post = add_post  # type: ignore[method-assign,assignment]


DEFECT = Defect(
    title="PUT works like POST: paths accept methods that the document does not have",
    source="known: routes registered for all methods, ANY /path in gateways",
    expected=("contract.methods",),
    patch=_patch,
)
