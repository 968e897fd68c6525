"""Idempotency-Key: the same request twice has one effect and one answer.

A key belongs to an organization and a route. It is reserved and its answer recorded in the very
transaction that has the effect, so there is never one without the other; a racer waits in
`reserve` for the first to commit and then replays its answer. Failures are not recorded: a
request that failed may be tried again under its key.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from aiohttp import web
from psycopg.types.json import Jsonb

from reference_backend import queries
from reference_backend.api.problems import FieldError, Problem
from reference_backend.database import Connection

_BARE = re.compile(r"[!#-~](?:[ -~]{0,253}[!-~])?")
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\]){1,255})"')
_ESCAPED = re.compile(r"\\(.)")
_REPLAYED = {"X-Idempotency-Replayed": "true"}


@dataclass(frozen=True, kw_only=True)
class IdempotencyKey:
    """A key as the client sent it, for one route, and what tells its request from others."""

    route: str
    key: str
    fingerprint: str = ""

    def of(self, *parts: object) -> "IdempotencyKey":
        """The key with the fingerprint of a request that is made up of these parts."""
        canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
        fingerprint = hashlib.sha256(canonical.encode()).hexdigest()
        return IdempotencyKey(route=self.route, key=self.key, fingerprint=fingerprint)


@dataclass(frozen=True, kw_only=True)
class RecordedAnswer:
    """A successful answer, as it is given and, to the byte, given again."""

    status: int
    body: str
    headers: Mapping[str, str]
    resource_id: UUID

    @classmethod
    def about(
        cls, resource_id: UUID, data: Mapping[str, Any], status: int, headers: Mapping[str, str]
    ) -> "RecordedAnswer":
        """The answer that shows `data`."""
        body = json.dumps({"data": data})
        return cls(status=status, body=body, headers=headers, resource_id=resource_id)

    def as_response(self) -> web.Response:
        """The answer itself."""
        return web.Response(
            text=self.body,
            status=self.status,
            headers=dict(self.headers),
            content_type="application/json",
        )


def required_key(request: web.Request, route: str) -> IdempotencyKey:
    """The request's key; raises a 400 Problem where it has none or a malformed one."""
    key = optional_key(request, route)
    if key is None:
        raise Problem(
            "idempotency_key_missing",
            "Send an Idempotency-Key header: the same key makes a repeated request harmless.",
            errors=(FieldError(field="Idempotency-Key", message="is required"),),
        )
    return key


def optional_key(request: web.Request, route: str) -> IdempotencyKey | None:
    """The request's key, if it has one; raises a 400 Problem where that is malformed."""
    sent = request.headers.getall("Idempotency-Key", [])
    if not sent:
        return None
    quoted = _QUOTED.fullmatch(sent[0])
    if len(sent) > 1 or not (quoted or _BARE.fullmatch(sent[0])):
        message = "must be 1 to 255 printable ASCII characters, bare or quoted, once"
        raise Problem(
            "idempotency_key_invalid",
            f"Idempotency-Key {message}.",
            errors=(FieldError(field="Idempotency-Key", message=message),),
        )
    key = _ESCAPED.sub(r"\1", quoted[1]) if quoted else sent[0]
    return IdempotencyKey(route=route, key=key)


async def reserve(connection: Connection, key: IdempotencyKey) -> bool:
    """Take the key for this transaction; False where an earlier request has it.

    Waits for a transaction that is about to commit the same key. Call it before anything else
    that takes locks, so that waiting here cannot be part of a deadlock.
    """
    cursor = await connection.execute(
        queries.load("api/reserve_idempotency_key"),
        {"route": key.route, "key": key.key, "fingerprint": key.fingerprint},
    )
    return await cursor.fetchone() is not None


async def record(connection: Connection, key: IdempotencyKey, answer: RecordedAnswer) -> None:
    """Keep the answer beside the reserved key, in the same transaction."""
    await connection.execute(
        queries.load("api/record_idempotent_answer"),
        {
            "route": key.route,
            "key": key.key,
            "status": answer.status,
            "resource_id": answer.resource_id,
            # The body is kept as text: jsonb would put its members into another order.
            "response": Jsonb({"body": answer.body, "headers": answer.headers}),
        },
    )


async def replay(connection: Connection, key: IdempotencyKey) -> RecordedAnswer | None:
    """The answer that was given under this key, marked as a replay; None where the key is new.

    Raises a 422 Problem where the key belongs to another request.
    """
    cursor = await connection.execute(
        queries.load("api/find_idempotent_answer"), {"route": key.route, "key": key.key}
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    if row["fingerprint"] != key.fingerprint:
        raise Problem(
            "idempotency_key_reused",
            "This Idempotency-Key was used for a different request; take a new one.",
        )
    response = row["response"]
    return RecordedAnswer(
        status=row["status_code"],
        body=response["body"],
        headers={**response["headers"], **_REPLAYED},
        resource_id=row["resource_id"],
    )
