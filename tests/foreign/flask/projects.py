"""Projects: what files and bundles belong to."""

import sqlite3
import uuid
from typing import Any

from tests.foreign.flask.people import Caller
from tests.foreign.flask.refusals import absent
from tests.foreign.flask.store import NOW


def create(connection: sqlite3.Connection, caller: Caller, name: str) -> dict[str, Any]:
    """Make a project."""
    return shown(
        connection.execute(
            "INSERT INTO projects (id, tenant, name, made_by, made_at)"
            f" VALUES (?, ?, ?, ?, {NOW}) RETURNING *",
            (str(uuid.uuid4()), caller.tenant, name, caller.person),
        ).fetchone()
    )


def find(connection: sqlite3.Connection, tenant: str, project: str) -> sqlite3.Row:
    """The tenant's project. Raises a 404 `Refusal` where it has none of that id."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM projects WHERE id = ? AND tenant = ?", (project, tenant)
    ).fetchone()
    if row is None:
        raise absent()
    return row


def page(connection: sqlite3.Connection, tenant: str, after: int, size: int) -> list[sqlite3.Row]:
    """Up to `size` projects of the tenant that were made after the place `after`, oldest first."""
    return connection.execute(
        "SELECT * FROM projects WHERE tenant = ? AND place > ? ORDER BY place LIMIT ?",
        (tenant, after, size),
    ).fetchall()


def shown(row: sqlite3.Row) -> dict[str, Any]:
    """A project as the API shows it."""
    return {name: row[name] for name in ("id", "tenant", "name", "made_by", "made_at")}
