"""Defects of knowing who asks, and what is theirs."""

import hashlib
import sqlite3

from tests.foreign.changes import edit, put
from tests.foreign.flask import bundles, files, people, projects
from tests.foreign.flask.defects.defect import Defect
from tests.foreign.flask.people import Caller
from tests.foreign.flask.refusals import Refusal, absent


def _digest_of_a_prefix(token: str) -> str:
    return hashlib.sha256(token[:16].encode()).hexdigest()


def _by_where_it_is(caller: Caller, method: str, route: str) -> bool:
    return method in ("GET", "HEAD") or caller.role != "guest" or route == "files.upload"


def _any_role_stops(caller: Caller, method: str, route: str) -> bool:
    return method in ("GET", "HEAD") or caller.role != "guest" or route.startswith("bundles.")


_pages: dict[tuple[int, int], list[sqlite3.Row]] = {}
_page = projects.page


def _cached_page(
    connection: sqlite3.Connection, tenant: str, after: int, size: int
) -> list[sqlite3.Row]:
    found = _pages.get((after, size))
    # Only pages that are full are kept: they cannot change any more.
    if found is None:
        found = _page(connection, tenant, after, size)
        if len(found) == size:
            _pages[after, size] = found
    return found


def _tells_foreign_from_absent(
    connection: sqlite3.Connection, tenant: str, file: str
) -> sqlite3.Row:
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM files WHERE id = ?", (file,)
    ).fetchone()
    if row is None:
        raise absent()
    if row["tenant"] != tenant:
        raise Refusal(404, "not_yours", "There is no such thing in your tenant.")
    return row


def _no_challenge() -> Refusal:
    refusal = Refusal(401, "who_are_you", "A bearer token of a known person is needed.")
    del refusal.headers["WWW-Authenticate"]
    return refusal


def _any_project(connection: sqlite3.Connection, tenant: str, project: str) -> sqlite3.Row:
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM projects WHERE id = ?", (project,)
    ).fetchone()
    if row is None:
        raise absent()
    return row


def _skipping_page(
    connection: sqlite3.Connection, project: str, after: int, size: int
) -> list[sqlite3.Row]:
    return connection.execute(
        "SELECT * FROM files WHERE project = ? AND place > ? ORDER BY place LIMIT ?",
        (project, after + 1 if after else 0, size),
    ).fetchall()


DEFECTS = (
    Defect(
        id="token-by-its-beginning",
        title="A token is known by its first 16 characters",
        breaks="whatever begins like a token opens what the token opens",
        expected=("tenancy.tokens",),
        switch_on=put(people, "digest_of", _digest_of_a_prefix),
    ),
    Defect(
        id="no-challenge",
        title="A 401 does not say which scheme is wanted",
        breaks="401 without WWW-Authenticate",
        expected=("tenancy.tokens",),
        switch_on=put(people, "unauthorized", _no_challenge),
    ),
    Defect(
        id="guest-may-upload",
        title="The role is not looked at when a file is uploaded",
        breaks="guests add files",
        expected=("tenancy.viewer",),
        switch_on=put(people, "may", _by_where_it_is),
    ),
    Defect(
        id="guest-may-bundle",
        title="The role is not looked at where bundles are asked for or stopped",
        breaks="guests ask for bundles and stop them",
        expected=("tenancy.viewer",),
        switch_on=put(people, "may", _any_role_stops),
    ),
    Defect(
        id="foreign-download",
        title="The download finds a file by its id alone",
        breaks="every tenant downloads every file",
        expected=("tenancy.matrix",),
        switch_on=edit(files, "FIND_CONTENT", " AND tenant = :tenant", ""),
    ),
    Defect(
        id="foreign-abort",
        title="A bundle is found by its id alone",
        breaks="every tenant sees, fetches and stops every bundle",
        expected=("tenancy.matrix", "tenancy.export-states"),
        switch_on=edit(bundles, "FIND", " AND tenant = :tenant", ""),
    ),
    Defect(
        id="foreign-project",
        title="A project is found by its id alone",
        breaks="every tenant reads and fills every project",
        expected=("tenancy.matrix",),
        switch_on=put(projects, "find", _any_project),
    ),
    Defect(
        id="foreign-is-not-absent",
        title="A 404 tells a foreign file from one that is not",
        breaks="another reason for foreign ids than for random ones",
        expected=("tenancy.matrix",),
        switch_on=put(files, "find", _tells_foreign_from_absent),
    ),
    Defect(
        id="list-cached-for-all",
        title="Full pages of projects are cached without the tenant in the key",
        breaks="a tenant is shown another one's projects",
        expected=("tenancy.lists",),
        switch_on=put(projects, "page", _cached_page),
    ),
    Defect(
        id="page-skips-one",
        title="The next page of files begins one too late",
        breaks="a file between two pages is on none",
        expected=("tenancy.lists",),
        switch_on=put(files, "page", _skipping_page),
    ),
)
