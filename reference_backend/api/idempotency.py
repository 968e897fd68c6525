"""Idempotency-Key: the same request twice has one effect and one answer.

A key belongs to an organization and a route. It is reserved and its answer recorded in the
transaction that has the effect, so neither exists without the other. A concurrent request waits in
`reserve` for the first to commit and then replays its answer. Failures are not recorded: a failed
request can be repeated with its key.
"""

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from aiohttp import web
from psycopg.types.json import Jsonb

from reference_backend.api import problems
from reference_backend.api.problems import Problem
from reference_backend.database import Connection, fetch_all, fetch_one

_BARE = re.compile(r"[!#-~](?:[ -~]{0,253}[!-~])?")
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\]){1,255})"')
_ESCAPED = re.compile(r"\\(.)")
_REPLAYED = {"X-Idempotency-Replayed": "true"}


@dataclass(frozen=True, kw_only=True)
class IdempotencyKey:
    """A key as the client sent it, its route, and the fingerprint of its request."""

    route: str
    key: str
    fingerprint: str = ""

    def of(self, *parts: object) -> "IdempotencyKey":
        """The key with the fingerprint of a request that consists of these parts."""
        canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
        return replace(self, fingerprint=hashlib.sha256(canonical.encode()).hexdigest())


@dataclass(frozen=True, kw_only=True)
class RecordedAnswer:
    """A successful answer; a replay repeats it byte for byte."""

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
    """The request's key; raises a 400 Problem if it is missing or malformed."""
    key = optional_key(request, route)
    if key is None:
        raise problems.invalid("Idempotency-Key", "is required", code="idempotency_key_missing")
    return key


def optional_key(request: web.Request, route: str) -> IdempotencyKey | None:
    """The request's key, if it has one; raises a 400 Problem if that is malformed."""
    sent = request.headers.getall("Idempotency-Key", [])
    if not sent:
        return None
    quoted = _QUOTED.fullmatch(sent[0])
    if len(sent) > 1 or not (quoted or _BARE.fullmatch(sent[0])):
        message = "must be one value of 1 to 255 printable ASCII characters, bare or quoted"
        raise problems.invalid("Idempotency-Key", message, code="idempotency_key_invalid")
    key = _ESCAPED.sub(r"\1", quoted[1]) if quoted else sent[0]
    return IdempotencyKey(route=route, key=key)


async def once(
    connection: Connection,
    key: IdempotencyKey | None,
    make: Callable[[], Awaitable[RecordedAnswer]],
) -> RecordedAnswer:
    """The answer of `make`, recorded under the key; a replay if the key has an answer already."""
    if key is None:
        return await make()
    if not await reserve(connection, key):
        replayed = await replay(connection, key)
        if replayed is None:
            raise LookupError("an idempotency key is taken but has no answer")
        return replayed
    answer = await make()
    await record(connection, key, answer)
    return answer


async def reserve(connection: Connection, key: IdempotencyKey) -> bool:
    """Take the key for this transaction; False if an earlier request has it.

    Waits for a transaction that is about to commit the same key. Call it before any other
    statement that takes locks, so that waiting here cannot be part of a deadlock.
    """
    row = await fetch_one(
        connection,
        "api/reserve_idempotency_key",
        route=key.route,
        key=key.key,
        fingerprint=key.fingerprint,
    )
    return row is not None


async def record(connection: Connection, key: IdempotencyKey, answer: RecordedAnswer) -> None:
    """Store the answer with the reserved key, in the same transaction."""
    await fetch_all(
        connection,
        "api/record_idempotent_answer",
        route=key.route,
        key=key.key,
        status=answer.status,
        resource_id=answer.resource_id,
        # The body is stored as text: jsonb would change the order of its members.
        response=Jsonb({"body": answer.body, "headers": answer.headers}),
    )


async def replay(connection: Connection, key: IdempotencyKey) -> RecordedAnswer | None:
    """The recorded answer of this key, marked as a replay; None if the key is new.

    Raises a 422 Problem if the key belongs to another request.
    """
    row = await fetch_one(connection, "api/find_idempotent_answer", route=key.route, key=key.key)
    if row is None:
        return None
    if row["fingerprint"] != key.fingerprint:
        raise Problem(
            "idempotency_key_reused",
            "This Idempotency-Key was used for a different request; use a new one.",
        )
    response = row["response"]
    return RecordedAnswer(
        status=row["status_code"],
        body=response["body"],
        headers={**response["headers"], **_REPLAYED},
        resource_id=row["resource_id"],
    )
