"""The WSGI application: who asks, which route, and one shape for everything that is refused."""

import logging
import re
import sqlite3
import uuid

from werkzeug.exceptions import HTTPException

from flask import Flask, Response, g, jsonify, request
from tests.foreign.flask import people
from tests.foreign.flask.depot import Depot
from tests.foreign.flask.refusals import Refusal
from tests.foreign.flask.web import admin, bundles, files, health, journal, projects
from tests.foreign.flask.web.reading import JSON_BYTES

_SANE_TRACE = re.compile(r"[A-Za-z0-9._-]{1,100}")
_OPEN_TO_ALL = ("health.", "admin.")  # the administrator has a token of another kind
_log = logging.getLogger(__name__)


def make_app(depot: Depot) -> Flask:
    """The application of one API process."""
    app = Flask("depot", static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.config["MAX_CONTENT_LENGTH"] = JSON_BYTES  # uploads have a limit of their own
    app.url_map.merge_slashes = False

    @app.before_request
    def know_the_caller() -> None:
        g.trace = _trace(request.headers.get("X-Trace"))
        route = request.endpoint
        if route is None or route.startswith(_OPEN_TO_ALL):
            return
        with depot.store.reading() as connection:
            g.caller = people.identify(connection, request.headers.get("Authorization"))
        if not people.may(g.caller, request.method, route):
            raise Refusal(403, "guests_only_look", "Your role may not do that.")

    @app.after_request
    def leave_a_trace(answer: Response) -> Response:
        answer.headers["X-Trace"] = g.trace
        return answer

    app.register_error_handler(Refusal, refused)
    app.register_error_handler(HTTPException, _not_routed)
    app.register_error_handler(sqlite3.OperationalError, _database_away)
    app.register_error_handler(Exception, _bug)
    for room in (projects, files, bundles, journal, admin, health):
        app.register_blueprint(room.routes(depot))
    return app


def refused(refusal: Refusal) -> Response:
    """The one shape of every error."""
    answer = _shape(refusal.status, refusal.reason, refusal.message)
    answer.headers.extend(refusal.headers)
    return answer


def _not_routed(error: HTTPException) -> Response:
    status = error.code or 500
    known = {
        404: ("not_found", "There is no such thing."),
        405: ("wrong_method", "This path has other methods."),
        413: ("too_big", "The body is too large."),
    }
    reason, message = known.get(status, ("bad_request", "The request cannot be read."))
    answer = _shape(status, reason, message)
    for name, value in error.get_headers():
        if name == "Allow":
            answer.headers[name] = value
    return answer


def _database_away(error: sqlite3.OperationalError) -> Response:
    _log.error("database: %s", error)
    return refused(Refusal(503, "try_later", "The database is not there.", retry_after_s=2))


def _bug(error: Exception) -> Response:
    _log.error("bug at %s %s", request.method, request.path, exc_info=error)
    return _shape(500, "bug", "This should not happen.")


def _shape(status: int, reason: str, message: str) -> Response:
    answer = jsonify(message=message, reason=reason, trace=g.trace)
    answer.status_code = status
    return answer


def _trace(sent: str | None) -> str:
    return sent if sent and _SANE_TRACE.fullmatch(sent) else str(uuid.uuid4())
