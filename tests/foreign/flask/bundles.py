"""Bundles as their tenant sees them: asked for, looked at, stopped, tried again."""

import json
import sqlite3
import uuid
from dataclasses import dataclass
from typing import Any

from tests.foreign.flask.depot import Depot
from tests.foreign.flask.people import Caller
from tests.foreign.flask.refusals import Refusal, absent
from tests.foreign.flask.store import NOW

KINDS = ("full", "journal")
LIVE = ("new", "running")
FIND = "SELECT * FROM bundles WHERE id = :bundle AND tenant = :tenant"
LIVE_ONE = (
    "SELECT * FROM bundles WHERE project = :project AND kind = :kind"
    " AND status IN ('new', 'running')"
)
STOP = (
    f"UPDATE bundles SET status = 'stopped', lease = NULL, lease_until = NULL, ended_at = {NOW}"
    " WHERE id = :bundle AND status IN ('new', 'running') RETURNING *"
)
_SHOWN = (
    *("id", "project", "tenant", "kind", "status", "percent", "tries", "worker", "beat_at"),
    *("kept_in", "index_sha256", "problem", "problem_text", "asked_at", "begun_at", "ended_at"),
)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The bundle that answers a request; `known` if it was live already."""

    bundle: sqlite3.Row
    known: bool


def ask(
    connection: sqlite3.Connection,
    depot: Depot,
    *,
    caller: Caller,
    project: str,
    kind: str,
    options: dict[str, Any],
) -> Asked:
    """Ask for a bundle, or find the one that is live. Needs a `writing` transaction.

    What it will hold is settled here: the project's files and the tenant's journal as of now, this
    request's own entry being the last.
    """
    live = connection.execute(LIVE_ONE, {"project": project, "kind": kind}).fetchone()
    if live is not None:
        return Asked(bundle=live, known=True)
    bundle = str(uuid.uuid4())
    entry = depot.journal.append(
        connection,
        tenant=caller.tenant,
        caller=caller,
        what="bundle.asked",
        subject=bundle,
        details={"project": project, "kind": kind, "options": options},
    )
    row = {
        "id": bundle,
        "tenant": caller.tenant,
        "project": project,
        "kind": kind,
        "options": json.dumps(options),
        "head_number": entry["number"],
        "tries_allowed": depot.settings.max_tries,
    }
    added = connection.execute(
        "INSERT INTO bundles (id, tenant, project, kind, status, options, last_file, head_number,"
        " tries_allowed, asked_at) VALUES (:id, :tenant, :project, :kind, 'new', :options,"
        " (SELECT coalesce(max(place), 0) FROM files WHERE project = :project), :head_number,"
        f" :tries_allowed, {NOW}) RETURNING *",
        row,
    ).fetchone()
    return Asked(bundle=added, known=False)


def find(connection: sqlite3.Connection, tenant: str, bundle: str) -> sqlite3.Row:
    """The tenant's bundle. Raises a 404 `Refusal` where it has none of that id."""
    row: sqlite3.Row | None = connection.execute(
        FIND, {"bundle": bundle, "tenant": tenant}
    ).fetchone()
    if row is None:
        raise absent()
    return row


def page(connection: sqlite3.Connection, project: str, after: int, size: int) -> list[sqlite3.Row]:
    """Up to `size` bundles of the project asked for after the place `after`, oldest first."""
    return connection.execute(
        "SELECT * FROM bundles WHERE project = ? AND place > ? ORDER BY place LIMIT ?",
        (project, after, size),
    ).fetchall()


def stop(connection: sqlite3.Connection, depot: Depot, caller: Caller, bundle: str) -> sqlite3.Row:
    """Stop a live bundle; its worker learns of it when it next shows its lease.

    Raises a 404 or, where the bundle is over, a 409 `Refusal`.
    """
    find(connection, caller.tenant, bundle)
    stopped: sqlite3.Row | None = connection.execute(STOP, {"bundle": bundle}).fetchone()
    if stopped is None:
        raise Refusal(409, "bundle_is_over", "Only a bundle that is new or running can be stopped.")
    depot.journal.append(
        connection,
        tenant=caller.tenant,
        caller=caller,
        what="bundle.stopped",
        subject=bundle,
        details={"tries": stopped["tries"]},
    )
    return stopped


def again(connection: sqlite3.Connection, depot: Depot, caller: Caller, bundle: str) -> sqlite3.Row:
    """Give a bundle that ended in an error as many tries as it had at first.

    Raises a 404 `Refusal`, or a 409 one where it did not end so, or where another bundle of its
    project and kind is live.
    """
    found = find(connection, caller.tenant, bundle)
    if found["status"] != "error":
        raise Refusal(409, "bundle_is_no_error", "Only a bundle in error can be tried again.")
    live = {"project": found["project"], "kind": found["kind"]}
    if connection.execute(LIVE_ONE, live).fetchone() is not None:
        raise Refusal(409, "another_is_live", "Another bundle of this project and kind is live.")
    depot.journal.append(
        connection,
        tenant=caller.tenant,
        caller=caller,
        what="bundle.asked",
        subject=bundle,
        details={"project": found["project"], "kind": found["kind"], "again": True},
    )
    tried_again: sqlite3.Row = connection.execute(
        "UPDATE bundles SET status = 'new', tries_allowed = tries + ?, percent = 0, problem = NULL,"
        " problem_text = NULL, begun_at = NULL, ended_at = NULL WHERE id = ? RETURNING *",
        (depot.settings.max_tries, bundle),
    ).fetchone()
    return tried_again


def finished(row: sqlite3.Row) -> sqlite3.Row:
    """The same bundle, if it can be fetched. Raises a 409 `Refusal` where it cannot yet."""
    if row["status"] != "finished":
        raise Refusal(409, "bundle_not_finished", f"The bundle is {row['status']}.")
    return row


def shown(connection: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    """A bundle as the API shows it."""
    return {
        **{name: row[name] for name in _SHOWN},
        "options": json.loads(row["options"]),
        "index": json.loads(row["index_text"]) if row["index_text"] else None,
        "place_in_line": _place_in_line(connection, row),
    }


def _place_in_line(connection: sqlite3.Connection, row: sqlite3.Row) -> int | None:
    if row["status"] != "new":
        return None
    ahead: int = connection.execute(
        "SELECT count(*) FROM bundles WHERE tenant = ? AND status = 'new' AND place < ?",
        (row["tenant"], row["place"]),
    ).fetchone()[0]
    return ahead + 1
