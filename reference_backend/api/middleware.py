"""What happens around every handler: the request id, the token, errors as problems, the latency."""

import logging

import psycopg
from aiohttp import web

from reference_backend.api import auth, bodies, metrics, problems
from reference_backend.api.context import PRINCIPAL, REQUEST_ID, request_id_for, services
from reference_backend.api.problems import Problem
from reference_backend.api.routes import Access, Handler, Route
from reference_backend.database import DatabaseUnavailable
from reference_backend.storage.interface import ObjectMissing, StorageUnavailable

_log = logging.getLogger(__name__)


async def complete_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Every response carries the request's id, also those that no handler of ours made."""
    response.headers["X-Request-ID"] = _request_id(request)
    if services(request).requests.draining:
        response.force_close()


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raises into a problem answer."""
    with services(request).requests.track():
        try:
            return await handler(request)
        except ConnectionError:
            raise  # the client has gone: there is nobody to answer
        except Exception as error:
            response = problems.answer(
                _problem_of(error, request), instance=request.path, request_id=_request_id(request)
            )
            if _may_leave_much_unread(request):
                # The connection lingers for a moment, so that a client that is still sending gets
                # to read the answer, and is then closed.
                response.force_close()
            return response


def guarded(route: Route) -> Handler:
    """The route's handler behind its access rule and its stop-watch."""

    async def handle(request: web.Request) -> web.StreamResponse:
        with metrics.timed(route.operation_id):
            if route.access is not Access.PUBLIC:
                request[PRINCIPAL] = _admitted(request, route.access)
            return await route.handler(request)

    return handle


async def ignore_expectation(_request: web.Request) -> None:
    """Do not say 100 Continue yet: handlers do when they have accepted the headers."""


def _admitted(request: web.Request, access: Access) -> auth.Principal:
    settings = services(request).settings
    principal = auth.authenticate(
        request.headers.getall("Authorization", []),
        secret=settings.jwt_secret,
        audience=settings.jwt_audience,
    )
    if access is Access.WRITERS and not principal.may_write:
        raise Problem("forbidden", "Viewers may look, not change.")
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
        # The second is a standby that was connected to while the roles were changing.
        case DatabaseUnavailable() | psycopg.errors.ReadOnlySqlTransaction():
            _log.warning("%s: %s", _name_of(request), error)
            return Problem("database_unavailable", "The database cannot be reached; try again.")
        case StorageUnavailable() | ObjectMissing():
            _log.error("%s: %s", _name_of(request), error)
            return Problem("storage_unavailable", "The storage cannot be used; try again.")
        case psycopg.DataError():
            # What the database cannot hold, and no check before it has caught.
            _log.warning("%s: refused by the database: %s", _name_of(request), error)
            return Problem("invalid_request", "The request holds a value that cannot be stored.")
        case _:
            _log.error("%s: failed", _name_of(request), exc_info=error)
            return Problem("internal_error", "The request id finds the details in our log.")


def _name_of(request: web.Request) -> str:
    """What the log calls a request: by its id, which the client was told."""
    return f"{_request_id(request)} {request.method} {request.path!r}"


def _may_leave_much_unread(request: web.Request) -> bool:
    """Judged by the headers alone: how much has come in by now is chance, and answers are not."""
    waits = "Expect" in request.headers
    length = request.content_length
    return request.body_exists and (waits or length is None or length > bodies.MAX_BYTES)


def _request_id(request: web.Request) -> str:
    if REQUEST_ID not in request:
        request[REQUEST_ID] = request_id_for(request.headers.get("X-Request-ID"))
    return request[REQUEST_ID]
