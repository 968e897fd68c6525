"""What a superuser prepares before the backend's migration: extensions, roles, stand-ins."""

import asyncio
from importlib.resources import files
from pathlib import Path

import psycopg
from psycopg.pq import TransactionStatus

from harness.errors import Misconfigured
from harness.postgres.database_server import DatabaseServer
from harness.postgres.missing_extension import about_missing_extension
from harness.postgres.server import Connection, connect
from harness.postgres.statements import Statement, statements
from harness.postgres.template import OBSERVER, OWNER
from harness.target.tables.models import Database

_DEADLINE_S = 120.0
_ROLES_AFTERWARDS = (files("harness.postgres") / "roles_afterwards.sql").read_bytes()


async def run_prelude(server: DatabaseServer, name: str, wanted: Database) -> None:
    """Run the files of `[database] prelude` in one database, each in a session of its own.

    Once for a server: roles are for all its databases, and what is in this one is cloned with
    it. As in psql, each statement commits unless the file says `BEGIN`.
    Raises `Misconfigured` with file and line of the first statement that fails, and where the
    roles that backend and checks connect as do not work any more.
    """
    if not wanted.prelude:
        return
    running = _Running()
    try:
        async with asyncio.timeout(_DEADLINE_S):
            for file in wanted.prelude:
                async with connect(server.url(name)) as connection:
                    await _run(connection, file, wanted, running)
    except TimeoutError as error:
        what = f"database.prelude: it was not done within {_DEADLINE_S:g} s, which is its limit"
        raise Misconfigured(what, where=running.where) from error
    await _refuse_broken_roles(server, name)


class _Running:
    """Which statement runs, for a message about one that never ends."""

    where: str | None = None


async def _run(connection: Connection, file: str, wanted: Database, running: _Running) -> None:
    # What the file says may be secret, a role's password: the server's log shall not repeat it.
    await connection.execute("SET log_min_error_statement = panic")
    for statement in statements(_read(file), file):
        running.where = f"{file}:{statement.line}"
        try:
            await connection.execute(statement.text.encode())
        except psycopg.Error as error:
            raise _failure(error, statement, file, wanted) from error
    if connection.info.transaction_status != TransactionStatus.IDLE:
        what = "database.prelude: the file ends within a transaction; add a COMMIT"
        raise Misconfigured(what, where=running.where)


def _read(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror or str(error)
        raise Misconfigured(f"database.prelude: cannot read {file}: {reason}") from error
    except UnicodeDecodeError as error:
        raise Misconfigured(f"database.prelude: {file} is not UTF-8: {error}") from error


def _failure(
    error: psycopg.Error, statement: Statement, file: str, wanted: Database
) -> Misconfigured:
    diagnosis = error.diag
    position = diagnosis.statement_position
    line = statement.line_at(int(position) if position else None)
    primary = diagnosis.message_primary or str(error).strip()
    parts = [
        ("", f"database.prelude: {primary}"),
        ("detail: ", diagnosis.message_detail),
        ("hint: ", diagnosis.message_hint),
        ("context: ", diagnosis.context),
        ("", about_missing_extension(primary, wanted)),
    ]
    shown = [f"{label}{part}" for label, part in parts if part]
    return Misconfigured("\n    ".join(shown), where=f"{file}:{line}")


async def _refuse_broken_roles(server: DatabaseServer, name: str) -> None:
    """Make sure that a prelude took nothing from the roles of the harness's that it needs."""
    problems: list[str] = []
    for role in (OWNER, OBSERVER):
        try:
            async with connect(server.url(name, role)) as connection:
                await connection.execute("SELECT 1")
        except psycopg.Error as error:
            problems.append(f"the role {role!r} can no longer connect: {str(error).strip()}")
    async with connect(server.url(name)) as connection:
        found = await connection.execute(_ROLES_AFTERWARDS, {"owner": OWNER, "observer": OBSERVER})
        problems += [str(what) for (what,) in await found.fetchall()]
    if problems:
        lines = "\n".join(f"    {problem}" for problem in problems)
        raise Misconfigured(
            f"database.prelude: {OWNER!r}, which the backend migrates and connects as, and "
            f"{OBSERVER!r}, which checks read with, must stay as they were:\n{lines}"
        )
