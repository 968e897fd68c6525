"""Dedup tokens: the same request under the same token happens once.

A token belongs to a tenant and a route. It is held while its request is at work: the hold runs out
by itself, so that a process which died keeps no token for ever, and is renewed while bytes come.
"""

import json
import re
import sqlite3
import uuid
from dataclasses import dataclass
from typing import Any

from tests.foreign.flask.refusals import Refusal, bad_request
from tests.foreign.flask.store import IN_SECONDS, NOW, seconds

HOLD_S = 10.0
_BARE = re.compile(r"[!#-~](?:[ -~]{0,253}[!-~])?")
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\]){1,255})"')


@dataclass(frozen=True, kw_only=True)
class Scope:
    """A token where it means something."""

    tenant: str
    route: str
    token: str


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """What was answered to the first request under a token."""

    fingerprint: str
    status: int
    answer: dict[str, Any]


def token_of(header: str | None) -> str | None:
    """The token that a header holds, bare or quoted. Raises a 400 `Refusal` for what is neither."""
    if header is None:
        return None
    quoted = _QUOTED.fullmatch(header)
    if quoted:
        return re.sub(r"\\(.)", r"\1", quoted[1])
    if _BARE.fullmatch(header):
        return header
    raise bad_request("X-Dedup-Token must be 1 to 255 printable characters, bare or quoted.")


def scope_of(tenant: str, route: str, token: str) -> Scope:
    """Where a token counts."""
    return Scope(tenant=tenant, route=route, token=token)


def recall(connection: sqlite3.Connection, scope: Scope) -> Remembered | None:
    """What was answered under this token, if anything was."""
    row = _row(connection, scope)
    if row is None or row["answer"] is None:
        return None
    return Remembered(
        fingerprint=row["fingerprint"], status=row["status"], answer=json.loads(row["answer"])
    )


def hold(connection: sqlite3.Connection, scope: Scope) -> str:
    """Take a token that has no answer yet; the answer is the name of this hold.

    Raises a 409 `Refusal` while another request holds it.
    """
    row = _row(connection, scope)
    if row is not None and row["held"]:
        raise busy()
    holder = str(uuid.uuid4())
    connection.execute(
        "INSERT INTO dedup_tokens (tenant, route, token, holder, held_until)"
        f" VALUES (:tenant, :route, :token, :holder, {IN_SECONDS})"
        " ON CONFLICT DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until",
        {**_key(scope), "holder": holder, "seconds": seconds(HOLD_S)},
    )
    return holder


def renew(connection: sqlite3.Connection, scope: Scope, holder: str) -> None:
    """Hold a token longer. A hold that was lost stays lost; `settle` will say so."""
    connection.execute(
        f"UPDATE dedup_tokens SET held_until = {IN_SECONDS} WHERE tenant = :tenant"
        " AND route = :route AND token = :token AND holder = :holder AND answer IS NULL",
        {**_key(scope), "holder": holder, "seconds": seconds(HOLD_S)},
    )


def release(connection: sqlite3.Connection, scope: Scope, holder: str) -> None:
    """Let go of a token whose request was refused: it is as if it had never been used."""
    connection.execute(
        "DELETE FROM dedup_tokens WHERE tenant = :tenant AND route = :route AND token = :token"
        " AND holder = :holder AND answer IS NULL",
        {**_key(scope), "holder": holder},
    )


def settle(
    connection: sqlite3.Connection, scope: Scope, holder: str, remembered: Remembered
) -> None:
    """Remember the answer. Raises a 409 `Refusal` where the hold has passed to another request."""
    settled = connection.execute(
        "UPDATE dedup_tokens SET fingerprint = :fingerprint, status = :status, answer = :answer,"
        " held_until = NULL WHERE tenant = :tenant AND route = :route AND token = :token"
        " AND holder = :holder AND answer IS NULL",
        {
            **_key(scope),
            "holder": holder,
            "fingerprint": remembered.fingerprint,
            "status": remembered.status,
            "answer": json.dumps(remembered.answer),
        },
    )
    if settled.rowcount != 1:
        raise busy()


def same_or_spent(remembered: Remembered, fingerprint: str) -> Remembered:
    """The first answer, if this is the same request. Raises a 409 `Refusal` if it is another."""
    if remembered.fingerprint != fingerprint:
        raise Refusal(409, "token_spent", "This X-Dedup-Token was used for another request.")
    return remembered


def busy() -> Refusal:
    """Another request holds the token."""
    return Refusal(
        409, "token_busy", "A request with this X-Dedup-Token is at work.", retry_after_s=1
    )


def _row(connection: sqlite3.Connection, scope: Scope) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute(
        f"SELECT *, held_until > {NOW} AS held FROM dedup_tokens"
        " WHERE tenant = :tenant AND route = :route AND token = :token",
        _key(scope),
    ).fetchone()
    return row


def _key(scope: Scope) -> dict[str, str]:
    return {"tenant": scope.tenant, "route": scope.route, "token": scope.token}
