"""The manifest as a backend's database holds it, for a superuser to spoil and to mend."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import psycopg

from harness.database import Database
from harness.errors import Inconclusive

_TEXTUAL = ("text", "json", "jsonb", "character varying")


class StoredManifest:
    """One export's row, and the column of it that holds the manifest."""

    def __init__(self, database: Database, table: str, column: str, export_id: str) -> None:
        self._database = database
        self._table = table
        self._column = column
        self._export_id = export_id

    @classmethod
    async def find(
        cls, database: Database, table: str, export_id: str, manifest_hash: str
    ) -> dict[str, Self]:
        """Look for the columns of an export's row that hold the manifest and its hash.

        Gives them as `manifest` and `manifest_hash`, as far as there are any: where a backend
        keeps them is its own affair.
        """
        columns = await database.fetch(
            "SELECT quote_ident(attname) AS name FROM pg_attribute WHERE attrelid = %s::regclass "
            "AND attnum > 0 AND NOT attisdropped AND attgenerated = '' "
            "AND format_type(atttypid, NULL) = ANY (%s)",
            [table, list(_TEXTUAL)],
        )
        found: dict[str, Self] = {}
        for row in columns:
            candidate = cls(database, table, row["name"], export_id)
            text = await candidate.read()
            if text == manifest_hash:
                found.setdefault("manifest_hash", candidate)
            elif _is_manifest(text, export_id):
                found.setdefault("manifest", candidate)
        return found

    async def read(self) -> str | None:
        """Give what is there, as text."""
        rows = await self._database.fetch(
            f"SELECT {self._column}::text AS value FROM {self._table} WHERE id::text = %s",  # noqa: S608 - from the target and the catalog
            [self._export_id],
        )
        return rows[0]["value"] if len(rows) == 1 else None

    @asynccontextmanager
    async def replaced(self, old: str, new: str) -> AsyncIterator[None]:
        """Put `new` where `old` is, inside the block. `Inconclusive` where that is not possible."""
        before = await self.read() or ""
        await self._write(before.replace(old, new))
        try:
            yield
        finally:
            await self._write(before)

    async def _write(self, text: str) -> None:
        async with self._database.connect() as connection:
            try:
                await connection.execute("SET session_replication_role = replica")
                done = await connection.execute(
                    f"UPDATE {self._table} SET {self._column} = %s WHERE id::text = %s".encode(),  # noqa: S608 - as above
                    [text, self._export_id],
                )
            except psycopg.Error as error:
                raise Inconclusive(f"the stored manifest could not be changed: {error}") from error
        if done.rowcount != 1:
            raise Inconclusive(f"{done.rowcount} rows of {self._table} are this export's")


def _is_manifest(text: str | None, export_id: str) -> bool:
    try:
        document = json.loads(text or "")
    except ValueError:
        return False
    return isinstance(document, dict) and document.get("export_id") == export_id
