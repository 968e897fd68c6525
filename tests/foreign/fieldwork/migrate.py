"""Bringing an empty database to the schema, and giving it the secret of its log."""

from pathlib import Path

import psycopg
from psycopg import sql

_HERE = Path(__file__).parent / "migrations"

MIGRATIONS = {path.name: path.read_text() for path in sorted(_HERE.glob("*.sql"))}
"""The text of each, by its name, in their order."""


def migrate(url: str, salt: str) -> None:
    """Run all migrations in one transaction. Raises `psycopg.Error`."""
    with psycopg.connect(url) as connection:
        for text in MIGRATIONS.values():
            connection.execute(sql.SQL(text))
        connection.execute(
            "INSERT INTO private.settings (name, value) VALUES ('activity_salt', %s)", [salt]
        )
