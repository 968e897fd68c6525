"""Tenants, their people, and the opaque tokens by which they are known."""

import hashlib
import secrets
import sqlite3
import uuid
from dataclasses import dataclass

from tests.foreign.flask.refusals import Refusal, absent
from tests.foreign.flask.store import NOW

ROLES = ("boss", "clerk", "guest")
_WRITERS = ("boss", "clerk")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Whose request it is."""

    person: str
    tenant: str
    role: str


def unauthorized() -> Refusal:
    """No token, or one that opens nothing."""
    return Refusal(401, "who_are_you", "A bearer token of a known person is needed.")


def digest_of(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def bearer(authorization: str | None) -> str:
    """The token of an Authorization header. Raises a 401 `Refusal` where it has none."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthorized()
    return token.strip()


def identify(connection: sqlite3.Connection, authorization: str | None) -> Caller:
    """Who sent this header. Raises a 401 `Refusal` where nobody did."""
    found = connection.execute(
        "SELECT id, tenant, role FROM people WHERE token_digest = ?",
        (digest_of(bearer(authorization)),),
    ).fetchone()
    if found is None:
        raise unauthorized()
    return Caller(person=found["id"], tenant=found["tenant"], role=found["role"])


def may(caller: Caller, method: str, route: str) -> bool:
    """Whether this role may do that: guests only look. `route` is the rule of the path."""
    return method in ("GET", "HEAD") or caller.role in _WRITERS


def new_tenant(connection: sqlite3.Connection, name: str) -> dict[str, str]:
    """Make a tenant."""
    tenant = str(uuid.uuid4())
    connection.execute(
        f"INSERT INTO tenants (id, name, made_at) VALUES (?, ?, {NOW})", (tenant, name)
    )
    return {"id": tenant, "name": name}


def new_person(connection: sqlite3.Connection, tenant: str, role: str) -> dict[str, str]:
    """Make a person of a tenant; the answer is the only place that ever shows the token.

    Raises a 404 `Refusal` where there is no such tenant.
    """
    if connection.execute("SELECT 1 FROM tenants WHERE id = ?", (tenant,)).fetchone() is None:
        raise absent()
    person, token = str(uuid.uuid4()), secrets.token_urlsafe(32)
    connection.execute(
        f"INSERT INTO people (id, tenant, role, token_digest, made_at) VALUES (?, ?, ?, ?, {NOW})",
        (person, tenant, role, digest_of(token)),
    )
    return {"id": person, "tenant": tenant, "role": role, "token": token}
