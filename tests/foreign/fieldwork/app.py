"""The Flask application: its gateway, its parts, and the one form of all refusals."""

import json
import logging
from pathlib import Path

import psycopg
from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue
from psycopg_pool import PoolTimeout
from werkzeug.exceptions import HTTPException

from tests.foreign.fieldwork.bucket import SIGNED_PATH
from tests.foreign.fieldwork.lease import CLAIM
from tests.foreign.fieldwork.refusals import Refusal, unavailable
from tests.foreign.fieldwork.routes import activity, documents, packages, storage, work_orders
from tests.foreign.fieldwork.routes.arriving import FieldRequest
from tests.foreign.fieldwork.routes.asking import expect_api_key, service
from tests.foreign.fieldwork.service import Service

OPENAPI = Path(__file__).with_name("openapi.json")
_UNREACHABLE = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)
_log = logging.getLogger(__name__)


class FieldApp(Flask):
    """Flask, with requests that receive files into the bucket."""

    request_class = FieldRequest


def make_app(what: Service) -> Flask:
    """The application of one process."""
    app = FieldApp(__name__)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["fieldwork"] = what
    for part in (work_orders, documents, packages, activity, storage):
        app.register_blueprint(part.blueprint)
    app.add_url_rule("/health", view_func=health)
    app.add_url_rule("/docs/openapi.json", view_func=openapi)
    app.before_request(gateway)
    app.register_error_handler(Refusal, refused)
    app.register_error_handler(HTTPException, refused_by_flask)
    app.register_error_handler(Exception, failed)
    return app


def gateway() -> None:
    """What the platform's gateway does before a request gets here."""
    if not request.path.startswith(SIGNED_PATH):
        expect_api_key()


def health() -> ResponseReturnValue:
    """Whether requests can be served, and packages be taken: that is tried, and undone."""
    try:
        with (
            service().database.as_service() as connection,
            connection.transaction(force_rollback=True),
        ):
            connection.execute(CLAIM, ["health", service().settings.running_per_org])
    except psycopg.Error as error:
        _log.error("packages cannot be taken: %s", error)
        raise unavailable() from error
    return jsonify(status="ready")


def openapi() -> ResponseReturnValue:
    """What this API is like, in OpenAPI's words."""
    return jsonify(json.loads(OPENAPI.read_text()))


def refused(refusal: Refusal) -> ResponseReturnValue:
    """A request that is not done."""
    return jsonify(error=refusal.word, message=refusal.message), refusal.status


def refused_by_flask(error: HTTPException) -> ResponseReturnValue:
    """A request that did not get as far as one of ours."""
    status = error.code or 500
    word = {404: "not_found", 500: "server_error"}.get(status, "invalid_request")
    answer: Response = error.get_response()  # type: ignore[assignment]  # with Allow and the like
    answer.set_data(json.dumps({"error": word, "message": error.name}))
    answer.mimetype = "application/json"
    return answer


def failed(error: Exception) -> ResponseReturnValue:
    """A text that PostgreSQL cannot hold is its sender's business; all else is ours."""
    if isinstance(error, psycopg.DataError | UnicodeError):
        return jsonify(error="invalid_request", message="There is a text that cannot be kept."), 400
    if isinstance(error, _UNREACHABLE):
        return refused(unavailable())
    _log.exception("not handled", exc_info=error)
    return jsonify(error="server_error", message="Something went wrong."), 500
