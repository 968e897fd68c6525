"""Problem answers for what aiohttp itself refuses, before any handler.

A request that is not valid HTTP, or whose headers are too long, never reaches a handler; it gets a
problem answer and a request id as well.
"""

import asyncio
import logging

from aiohttp import web
from aiohttp.web_request import BaseRequest

from reference_backend.api import problems
from reference_backend.api.context import request_id_for
from reference_backend.api.problems import Problem

_log = logging.getLogger(__name__)

READ_BUFFER_BYTES = 256 * 1024
LINGER_S = 5.0
"""How long a refused body is still read, so that its sender can read the refusal."""


class ProblemProtocol(web.RequestHandler):
    """One connection."""

    __slots__ = ()

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to a request that cannot be parsed (400), or to an error outside a handler."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun: the connection must be closed")
        request_id = request_id_for(None)
        if status < 500:
            _log.info("%s: malformed request: %.100r", request_id, message)
            problem = Problem("invalid_request", "This is not a well-formed HTTP request.")
        else:
            _log.error("%s: failed outside a handler", request_id, exc_info=exc)
            problem = Problem("internal_error", "The log has the details under this request id.")
        response = problems.answer(problem, instance=request.path, request_id=request_id)
        response.headers["X-Request-ID"] = request_id
        response.force_close()
        return response


async def listen(runner: web.AppRunner, host: str, port: int) -> asyncio.Server:
    """Accept connections for the application; raises OSError if the address is not available."""
    server = runner.server
    if server is None:
        raise RuntimeError("the runner must be set up before it can listen")
    loop = asyncio.get_running_loop()
    return await loop.create_server(
        lambda: ProblemProtocol(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # which turns it off
            auto_decompress=False,
            lingering_time=LINGER_S,
            read_bufsize=READ_BUFFER_BYTES,
        ),
        host,
        port,
        backlog=512,
    )
