"""What all handlers share: request id, token, errors as problem answers, latency."""

import logging

import psycopg
from aiohttp import web

from reference_backend.api import auth, bodies, metrics, problems
from reference_backend.api.context import PRINCIPAL, REQUEST_ID, request_id_for, services
from reference_backend.api.problems import Problem
from reference_backend.api.routes import Access, Handler, Route
from reference_backend.database import DatabaseUnavailable
from reference_backend.storage.objects import ObjectMissing, StorageUnavailable

_log = logging.getLogger(__name__)


async def complete_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add the request id to every response, also to those of aiohttp itself."""
    response.headers["X-Request-ID"] = _request_id(request)
    if services(request).requests.draining:
        response.force_close()


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every exception of a handler into a problem answer."""
    with services(request).requests.track():
        try:
            return await handler(request)
        except ConnectionError:
            raise  # the client is gone
        except Exception as error:
            response = problems.answer(
                _problem_of(error, request), instance=request.path, request_id=_request_id(request)
            )
            if _may_leave_much_unread(request):
                # The connection stays open for a moment, so that a client that is still sending
                # can read the answer.
                response.force_close()
            return response


def guarded(route: Route) -> Handler:
    """The route's handler with access control and latency metric."""

    async def handle(request: web.Request) -> web.StreamResponse:
        with metrics.timed(route.operation_id):
            if route.access is not Access.PUBLIC:
                request[PRINCIPAL] = _admitted(request, route.access)
            return await route.handler(request)

    return handle


async def ignore_expectation(_request: web.Request) -> None:
    """Do not send 100 Continue yet: handlers do after they have accepted the headers."""


def _admitted(request: web.Request, access: Access) -> auth.Principal:
    settings = services(request).settings
    principal = auth.authenticate(
        request.headers.getall("Authorization", []),
        secret=settings.jwt_secret,
        audience=settings.jwt_audience,
    )
    if access is Access.WRITERS and not principal.may_write:
        raise Problem("forbidden", "Viewers have read-only access.")
    return principal


def _problem_of(error: Exception, request: web.Request) -> Problem:
    match error:
        case Problem():
            return error
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(error.allowed_methods))
            return Problem(
                "method_not_allowed", f"Allowed here: {allowed}.", headers={"Allow": allowed}
            )
        case web.HTTPNotFound():
            return Problem("not_found", "There is no such path.")
        case web.HTTPException():
            return Problem("invalid_request", f"{error.reason}.")
        # The second is a standby, reached during a failover.
        case DatabaseUnavailable() | psycopg.errors.ReadOnlySqlTransaction():
            _log.warning("%s: %s", _name_of(request), error)
            return Problem("database_unavailable", "The database is unavailable; try again.")
        case StorageUnavailable() | ObjectMissing():
            _log.error("%s: %s", _name_of(request), error)
            return Problem("storage_unavailable", "The storage is unavailable; try again.")
        case psycopg.DataError():
            # A value that the database refuses and that no earlier check has found.
            _log.warning("%s: refused by the database: %s", _name_of(request), error)
            return Problem("invalid_request", "The request contains a value that cannot be stored.")
        case _:
            _log.error("%s: failed", _name_of(request), exc_info=error)
            return Problem("internal_error", "The log has the details under this request id.")


def _name_of(request: web.Request) -> str:
    """How the log names a request: by the id that the client gets, too."""
    return f"{_request_id(request)} {request.method} {request.path!r}"


def _may_leave_much_unread(request: web.Request) -> bool:
    """Decided by the headers, so that the answer does not depend on what was received so far."""
    waits = "Expect" in request.headers
    length = request.content_length
    return request.body_exists and (waits or length is None or length > bodies.MAX_BYTES)


def _request_id(request: web.Request) -> str:
    if REQUEST_ID not in request:
        request[REQUEST_ID] = request_id_for(request.headers.get("X-Request-ID"))
    return request[REQUEST_ID]
