"""Brings the database to the current schema: ``migrations/*.sql`` in order, each exactly once."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from importlib.resources import files
from typing import LiteralString

import psycopg

from reference_backend import database, queries
from reference_backend.settings import Settings

LOCK_TIMEOUT_S = 60
OLDEST_SERVER = 160000  # GRANT … WITH INHERIT FALSE, SET TRUE
ATTEMPTS = 5

logger = logging.getLogger(__name__)


class MigrationError(Exception):
    """The database cannot be brought to the current schema; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One file of SQL. ``checksum`` tells whether it is the one that was applied."""

    version: str
    sql: LiteralString
    checksum: str


def shipped() -> list[Migration]:
    """All migrations, in order."""
    folder = files("reference_backend") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [_read(name) for name in names]


def _read(name: str) -> Migration:
    text = (files("reference_backend") / "migrations" / name).read_text(encoding="utf-8")
    return Migration(
        version=name.removesuffix(".sql"),
        sql=text,
        checksum=hashlib.sha256(text.encode()).hexdigest(),
    )


async def migrate(settings: Settings) -> list[str]:
    """Apply what is missing, all or nothing, and return the versions applied.

    Two at once take turns, and the second finds nothing to do. Roles are shared by all databases
    of the cluster, where no lock of one database helps: a collision there is simply tried again.
    Raises MigrationError or DatabaseUnavailable.
    """
    async with await database.connect(settings) as connection:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with connection.transaction():
                    return await _apply(connection, settings)
            except (psycopg.errors.InternalError_, psycopg.errors.UniqueViolation) as error:
                if attempt == ATTEMPTS:
                    raise MigrationError(f"migration failed {ATTEMPTS} times: {error}") from error
                logger.info("another migration changed the roles at the same time; trying again")
            except psycopg.Error as error:
                raise MigrationError(f"migration failed, nothing was changed: {error}") from error
    raise AssertionError("unreachable")


async def _apply(connection: database.Connection, settings: Settings) -> list[str]:
    if connection.info.server_version < OLDEST_SERVER:
        version = connection.info.server_version // 10000
        raise MigrationError(f"expected PostgreSQL 16 or newer, but the server is {version}")
    await connection.execute(queries.load("migrate_begin"), {"lock_timeout": f"{LOCK_TIMEOUT_S}s"})
    await connection.execute(queries.load("migrate_table"))
    rows = await (await connection.execute(queries.load("migrate_applied"))).fetchall()
    checksums = {str(row["version"]): str(row["checksum"]) for row in rows}
    applied: list[str] = []
    for migration in shipped():
        known = checksums.get(migration.version)
        if known is None:
            await connection.execute(migration.sql)
            await connection.execute(
                queries.load("migrate_record"),
                {"version": migration.version, "checksum": migration.checksum},
            )
            applied.append(migration.version)
        elif known != migration.checksum:
            raise MigrationError(
                f"{migration.version} was applied with other contents; "
                "write a new migration instead of changing an old one"
            )
    await _install_salt(connection, settings)
    return applied


async def _install_salt(connection: database.Connection, settings: Settings) -> None:
    """Make the configured salt the active one; a key id keeps its salt forever."""
    key_id = settings.ledger_salt_key_id
    cursor = await connection.execute(
        queries.load("migrate_salt"), {"key_id": key_id, "salt": settings.ledger_salts[key_id]}
    )
    if (await cursor.fetchone()) is None:
        raise MigrationError(
            f"LEDGER_SALT is not the salt that key {key_id!r} stands for in this database; "
            "give a new salt a new LEDGER_SALT_KEY_ID"
        )
    await connection.execute(queries.load("migrate_retire_salts"), {"key_id": key_id})
    await connection.execute(queries.load("migrate_activate_salt"), {"key_id": key_id})
