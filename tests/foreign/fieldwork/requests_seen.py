"""Requests that a device sends again: done once, answered alike."""

import hashlib
import json
from collections.abc import Sequence

from tests.foreign.fieldwork.database import Connection
from tests.foreign.fieldwork.refusals import invalid

NOTE = (
    "INSERT INTO client_requests (org_id, endpoint, client_request_id, fingerprint, record_id)"
    " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
)
SEEN = (
    "SELECT fingerprint, record_id FROM client_requests"
    " WHERE org_id = %s AND endpoint = %s AND client_request_id = %s"
)
SETTLE = (
    "UPDATE client_requests SET record_id = %s"
    " WHERE org_id = %s AND endpoint = %s AND client_request_id = %s"
)


def fingerprint(parts: Sequence[object]) -> str:
    """What two requests share that ask for the same."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def seen_before(
    connection: Connection, org: str, endpoint: str, sent: str, mark: str, record: str
) -> str | None:
    """Note a request for `record`, or give the record of the one that came first.

    One that is at work in another transaction is waited for. Raises `Refusal` when the first one
    asked for something else.
    """
    noted = connection.execute(NOTE, [org, endpoint, sent, mark, record])
    if noted.rowcount == 1:
        return None
    first = connection.execute(SEEN, [org, endpoint, sent]).fetchone()
    if first is None:
        raise invalid("This Client-Request-Id is being used. Send it again.", 409)
    if first["fingerprint"] != mark:
        raise invalid("This Client-Request-Id was used for another request.", 409)
    return str(first["record_id"])


def settle(connection: Connection, org: str, endpoint: str, sent: str, record: str) -> None:
    """Say that the request came to another record than was thought."""
    connection.execute(SETTLE, [record, org, endpoint, sent])
