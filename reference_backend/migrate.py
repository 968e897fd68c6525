"""Applies ``migrations/*.sql`` in order, each exactly once."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from importlib.resources import files
from typing import LiteralString

import psycopg

from reference_backend import database
from reference_backend.database import fetch_all, fetch_one
from reference_backend.settings import Settings

LOCK_TIMEOUT_S = 60
OLDEST_SERVER = 160000  # GRANT … WITH INHERIT FALSE, SET TRUE
ATTEMPTS = 5

logger = logging.getLogger(__name__)


class MigrationError(Exception):
    """The migrations cannot be applied; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One SQL file. ``checksum`` shows whether the file has changed since it was applied."""

    version: str
    sql: LiteralString
    checksum: str


def shipped() -> list[Migration]:
    """All migrations, in order."""
    folder = files("reference_backend") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [
        migration_of(name.removesuffix(".sql"), (folder / name).read_text(encoding="utf-8"))
        for name in names
    ]


def migration_of(version: str, sql: LiteralString) -> Migration:
    """A migration with the checksum of its SQL."""
    return Migration(version=version, sql=sql, checksum=hashlib.sha256(sql.encode()).hexdigest())


async def migrate(settings: Settings) -> list[str]:
    """Apply the missing migrations in one transaction and return their versions.

    Concurrent runs are serialized by a lock, and the second has nothing to do. Roles are shared by
    all databases of the cluster, where that lock does not help: a conflict there is tried again.
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
        major = connection.info.server_version // 10000
        raise MigrationError(f"expected PostgreSQL 16 or newer, but the server is {major}")
    await fetch_one(connection, "migrate_begin", lock_timeout=f"{LOCK_TIMEOUT_S}s")
    await fetch_all(connection, "migrate_table")
    rows = await fetch_all(connection, "migrate_applied")
    checksums = {str(row["version"]): str(row["checksum"]) for row in rows}
    applied: list[str] = []
    for migration in shipped():
        known = checksums.get(migration.version)
        if known is None:
            await connection.execute(migration.sql)
            version, checksum = migration.version, migration.checksum
            await fetch_all(connection, "migrate_record", version=version, checksum=checksum)
            applied.append(migration.version)
        elif known != migration.checksum:
            raise MigrationError(
                f"{migration.version} has changed since it was applied; "
                "write a new migration instead"
            )
    await _install_salt(connection, settings)
    return applied


async def _install_salt(connection: database.Connection, settings: Settings) -> None:
    """Make the configured salt the active one; a key id never changes its salt."""
    key_id = settings.ledger_salt_key_id
    salt = settings.ledger_salts[key_id]
    if await fetch_one(connection, "migrate_salt", key_id=key_id, salt=salt) is None:
        raise MigrationError(
            f"LEDGER_SALT differs from the salt of key {key_id!r} in this database; "
            "use a new LEDGER_SALT_KEY_ID for a new salt"
        )
    await fetch_all(connection, "migrate_retire_salts", key_id=key_id)
    await fetch_all(connection, "migrate_activate_salt", key_id=key_id)
