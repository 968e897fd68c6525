"""The hash chain of each tenant, in a simple form of its own.

`seal = sha256(document || before || salt)` in hex: `document` is RFC 8785 JSON of the entry's eight
told fields, `before` the seal of the entry before ('' for the first), `salt` this backend's secret.
"""

import hashlib
import json
import sqlite3
import uuid
from dataclasses import dataclass
from typing import Any

import rfc8785

from tests.foreign.flask.people import Caller
from tests.foreign.flask.store import NOW

_TOLD = ("number", "tenant", "actor", "what", "subject_kind", "subject", "at")


@dataclass(frozen=True, kw_only=True)
class Head:
    """The last entry of a tenant's chain; number 0 and no seal where there is none yet."""

    number: int
    seal: str | None


@dataclass(frozen=True, kw_only=True)
class Journal:
    """How entries are sealed. Appends need the `writing` transaction of what they tell of."""

    salt: str
    salt_id: str

    def append(
        self,
        connection: sqlite3.Connection,
        *,
        tenant: str,
        caller: Caller | None,
        what: str,
        subject: str,
        details: dict[str, Any],
    ) -> sqlite3.Row:
        """Add an entry at the end of the tenant's chain. `caller` is None for the system itself."""
        head = head_of(connection, tenant)
        entry: dict[str, Any] = {
            "number": head.number + 1,
            "tenant": tenant,
            "actor": caller.person if caller else None,
            "what": what,
            "subject_kind": what.partition(".")[0],
            "subject": subject,
            "at": connection.execute(f"SELECT {NOW}").fetchone()[0],
            "details": details,
        }
        row = {
            **entry,
            "id": str(uuid.uuid4()),
            "details": json.dumps(details),
            "before": head.seal,
            "seal": self.seal(entry, head.seal),
            "salt_id": self.salt_id,
        }
        added: sqlite3.Row = connection.execute(
            "INSERT INTO journal (id, tenant, number, actor, what, subject_kind, subject, at,"
            " details, before, seal, salt_id) VALUES (:id, :tenant, :number, :actor, :what,"
            " :subject_kind, :subject, :at, :details, :before, :seal, :salt_id) RETURNING *",
            row,
        ).fetchone()
        return added

    def seal(self, entry: dict[str, Any], before: str | None) -> str:
        """The seal of an entry that comes after the one with the seal `before`."""
        document = rfc8785.dumps(entry)
        return hashlib.sha256(document + (before or "").encode() + self.salt.encode()).hexdigest()

    def proof(self, connection: sqlite3.Connection, entry: sqlite3.Row) -> dict[str, Any]:
        """Walk the chain from its first entry to this one and compute every seal again."""
        own, linked, broken, length = False, False, [], 0
        before: str | None = None
        for row in entries_up_to(connection, entry["tenant"], entry["number"]):
            length += 1
            own = self.seal(_told(row), row["before"]) == row["seal"]
            linked = row["before"] == before and row["number"] == length
            if not (own and linked):
                broken.append(row["number"])
            before = row["seal"]
        return {
            "seal_ok": own,
            "before_ok": linked,
            "chain_ok": not broken and length == entry["number"],
            "length": length,
            "broken": broken,
        }


def head_of(connection: sqlite3.Connection, tenant: str) -> Head:
    """Where the tenant's chain ends now."""
    last = connection.execute(
        "SELECT number, seal FROM journal WHERE tenant = ? ORDER BY number DESC LIMIT 1", (tenant,)
    ).fetchone()
    return Head(number=last["number"], seal=last["seal"]) if last else Head(number=0, seal=None)


def entries_up_to(connection: sqlite3.Connection, tenant: str, number: int) -> sqlite3.Cursor:
    """The tenant's entries in order, the one with this number being the last."""
    return connection.execute(
        "SELECT * FROM journal WHERE tenant = ? AND number <= ? ORDER BY number", (tenant, number)
    )


def shown(row: sqlite3.Row) -> dict[str, Any]:
    """An entry as the API and bundles show it."""
    tail = {name: row[name] for name in ("before", "seal", "salt_id")}
    return {"id": row["id"], **_told(row), **tail}


def _told(row: sqlite3.Row) -> dict[str, Any]:
    return {**{name: row[name] for name in _TOLD}, "details": json.loads(row["details"])}
