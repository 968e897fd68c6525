"""Files of a project: kept once, told in the journal, found by their tenant alone."""

import json
import sqlite3
import uuid
from dataclasses import dataclass
from typing import Any

from tests.foreign.flask.intake import Arrival
from tests.foreign.flask.journal import Journal
from tests.foreign.flask.people import Caller
from tests.foreign.flask.refusals import absent
from tests.foreign.flask.store import NOW
from tests.foreign.flask.vault import Vault

FIND = "SELECT * FROM files WHERE id = :file AND tenant = :tenant"
FIND_CONTENT = "SELECT * FROM files WHERE id = :file AND tenant = :tenant"
SAME_BYTES = "SELECT * FROM files WHERE project = :project AND sha256 = :sha256"
_SHOWN = (
    *("id", "tenant", "project", "name", "bytes", "media_type", "sha256", "label", "stage"),
    *("taken_at", "kept_in", "kept_at", "journal_entry"),
)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The record of a file; `known` if the project held these bytes before."""

    file: dict[str, Any]
    known: bool


def find(connection: sqlite3.Connection, tenant: str, file: str) -> sqlite3.Row:
    """The tenant's file. Raises a 404 `Refusal` where it has none of that id."""
    return _one(connection, FIND, tenant, file)


def find_content(connection: sqlite3.Connection, tenant: str, file: str) -> sqlite3.Row:
    """The same, for a download."""
    return _one(connection, FIND_CONTENT, tenant, file)


def page(connection: sqlite3.Connection, project: str, after: int, size: int) -> list[sqlite3.Row]:
    """Up to `size` files of the project that were kept after the place `after`, oldest first."""
    return connection.execute(
        "SELECT * FROM files WHERE project = ? AND place > ? ORDER BY place LIMIT ?",
        (project, after, size),
    ).fetchall()


def fingerprint(project: str, arrival: Arrival) -> str:
    """What makes two uploads the same request; when the file was taken is not part of it."""
    texts = [arrival.texts.get("label"), arrival.texts.get("stage")]
    return json.dumps([project, arrival.sha256, *texts])


def keep(
    connection: sqlite3.Connection,
    vault: Vault,
    journal: Journal,
    *,
    caller: Caller,
    project: str,
    arrival: Arrival,
) -> Kept:
    """Keep what arrived, or find what the project already has of the same bytes.

    Needs a `writing` transaction. The bytes are in the vault when this returns: whoever calls it
    makes the vault forget them if the transaction comes to nothing.
    """
    known = same_bytes(connection, project, arrival)
    if known is not None:
        return Kept(file=shown(known), known=True)
    file, name = str(uuid.uuid4()), arrival.name or ""
    entry = journal.append(
        connection,
        tenant=caller.tenant,
        caller=caller,
        what="file.kept",
        subject=file,
        details={"project": project, "sha256": arrival.sha256, "bytes": arrival.size},
    )
    kept_in = vault.keep_file(arrival.path, project, file, name)
    row = {
        "id": file,
        "tenant": caller.tenant,
        "project": project,
        "name": name,
        "bytes": arrival.size,
        "media_type": arrival.media_type,
        "sha256": arrival.sha256,
        **{name: arrival.texts.get(name) for name in ("label", "stage", "taken_at")},
        "kept_in": kept_in,
        "journal_entry": entry["id"],
    }
    try:
        added = connection.execute(
            "INSERT INTO files (id, tenant, project, name, bytes, media_type, sha256, label, stage,"
            " taken_at, kept_in, kept_at, journal_entry) VALUES (:id, :tenant, :project, :name,"
            " :bytes, :media_type, :sha256, :label, :stage, :taken_at, :kept_in,"
            f" {NOW}, :journal_entry) RETURNING *",
            row,
        ).fetchone()
    except sqlite3.Error:
        vault.forget(kept_in)
        raise
    return Kept(file=shown(added), known=False)


def same_bytes(
    connection: sqlite3.Connection, project: str, arrival: Arrival
) -> sqlite3.Row | None:
    """The project's file of the same bytes."""
    row: sqlite3.Row | None = connection.execute(
        SAME_BYTES, {"project": project, "sha256": arrival.sha256}
    ).fetchone()
    return row


def shown(row: sqlite3.Row) -> dict[str, Any]:
    """A file as the API shows it."""
    return {name: row[name] for name in _SHOWN}


def _one(connection: sqlite3.Connection, query: str, tenant: str, file: str) -> sqlite3.Row:
    row: sqlite3.Row | None = connection.execute(query, {"file": file, "tenant": tenant}).fetchone()
    if row is None:
        raise absent()
    return row
