"""Who asks, and what of a request's parts can be used."""

import hmac
import re
from dataclasses import dataclass
from typing import Any

from flask import current_app, request

from tests.foreign.fieldwork.database import Connection
from tests.foreign.fieldwork.refusals import forbidden, invalid, not_found, unauthorized
from tests.foreign.fieldwork.service import Service
from tests.foreign.fieldwork.tokens import claims_of

SOURCES = ("web", "mobile")
WRITERS = ("admin", "technician")
_ID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The user of a request, as the database knows them."""

    user_id: str
    org_id: str
    role: str


def service() -> Service:
    """What this process works with."""
    found: Service = current_app.extensions["fieldwork"]
    return found


def expect_api_key() -> None:
    """What the gateway asks of every request. Raises `Refusal`."""
    sent = request.headers.get("apikey", "")
    if not hmac.compare_digest(sent.encode(), service().settings.api_key.encode()):
        raise unauthorized("No API key found in request.")


def claims() -> dict[str, Any]:
    """The claims of the request's token. Raises `Refusal`."""
    settings = service().settings
    return claims_of(
        request.headers.get("Authorization"),
        service().keys,
        settings.jwt_audience,
        settings.jwt_issuer,
    )


def profile(connection: Connection) -> Profile:
    """Whom the transaction acts as. Raises `Refusal` for a user of no organization."""
    row = connection.execute(
        "SELECT user_id, org_id, role FROM profiles WHERE user_id = (SELECT auth.uid())"
    ).fetchone()
    if row is None:
        raise forbidden()
    return Profile(user_id=str(row["user_id"]), org_id=str(row["org_id"]), role=row["role"])


def writer(connection: Connection) -> Profile:
    """Whom the transaction acts as. Raises `Refusal` for somebody who may only look."""
    found = profile(connection)
    if found.role not in WRITERS:
        raise forbidden()
    return found


def record_id(text: str) -> str:
    """An id out of a path. Raises `Refusal`: what is no id is the id of nothing."""
    if not re.fullmatch(_ID, text):
        raise not_found()
    return text.lower()


def json_object() -> dict[str, Any]:
    """The request's JSON object. Raises `Refusal`."""
    if not request.is_json:
        raise invalid("Send a JSON object.", 415)
    try:
        body = request.get_json(silent=True)
    except RecursionError:
        body = None
    if not isinstance(body, dict):
        raise invalid("Send a JSON object.")
    return body


def json_body() -> dict[str, Any]:
    """The request's JSON object, sent by one of our own clients. Raises `Refusal`."""
    body = json_object()
    if body.get("source") not in SOURCES:
        raise invalid("source must be web or mobile.")
    return body


def client_request_id(*, required: bool) -> str | None:
    """What a device calls its request. Raises `Refusal`."""
    sent = request.headers.get("Client-Request-Id")
    if sent is None and not required:
        return None
    fit = len(sent or "") <= 255 and (sent or "").isascii() and (sent or "").isprintable()
    if not sent or not fit or not re.search("[A-Za-z0-9]", sent):
        raise invalid("Send a Client-Request-Id of 1 to 255 printable characters.")
    return sent
