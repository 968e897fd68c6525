"""The manifest and its hash in the database, for a superuser to change and restore."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psycopg

from contracts.shared.resources.past_triggers import past_triggers
from harness.database import Database
from harness.errors import Inconclusive
from harness.evidence import Evidence, query_evidence
from harness.untrusted.spelling import by_value

_TEXT_TYPES = ("text", "json", "jsonb", "character varying")


@dataclass(frozen=True, kw_only=True)
class StoredColumn:
    """One column of one export's row."""

    database: Database
    table: str
    column: str
    export_id: str

    async def read(self) -> str | None:
        """Its value as text."""
        rows = await self.database.fetch(
            f"SELECT {self.column}::text AS value FROM {self.table} WHERE id::text = %s",  # noqa: S608 - from the target and the catalog
            [self.export_id],
        )
        return rows[0]["value"] if len(rows) == 1 else None

    @asynccontextmanager
    async def replaced(self, old: str, new: str) -> AsyncIterator[Evidence]:
        """Replace `old` by `new` inside the block, and give that as evidence.

        `Inconclusive` where that is not possible.
        """
        before = await self.read() or ""
        await self._write(before.replace(old, new))
        statement = (
            f"UPDATE {self.table} SET {self.column} = "  # noqa: S608 - to be read
            f"replace({self.column}::text, '{old}', '{new}') WHERE id = '{self.export_id}'"
        )
        try:
            yield query_evidence("what was changed in the database", statement)
        finally:
            await self._write(before)

    async def _write(self, text: str) -> None:
        async with self.database.connect() as connection:
            try:
                async with past_triggers(connection, self.table):
                    done = await connection.execute(
                        f"UPDATE {self.table} SET {self.column} = %s WHERE id::text = %s".encode(),  # noqa: S608 - as above
                        [text, self.export_id],
                    )
            except psycopg.Error as error:
                raise Inconclusive(f"could not change the stored manifest: {error}") from error
        if done.rowcount != 1:
            raise Inconclusive(
                f"{self.table} has {done.rowcount} rows of export {self.export_id}, not one"
            )


async def find_stored_manifest(
    database: Database, table: str, export_id: str, manifest_hash: str
) -> dict[str, StoredColumn]:
    """Find the columns that hold an export's `manifest` and `manifest_hash`, if there are any.

    The contract leaves their names to the backend.
    """
    columns = await database.fetch(
        "SELECT quote_ident(attname) AS name FROM pg_attribute WHERE attrelid = %s::regclass "
        "AND attnum > 0 AND NOT attisdropped AND attgenerated = '' "
        "AND format_type(atttypid, NULL) = ANY (%s)",
        [table, list(_TEXT_TYPES)],
    )
    found: dict[str, StoredColumn] = {}
    for row in columns:
        candidate = StoredColumn(
            database=database, table=table, column=row["name"], export_id=export_id
        )
        text = await candidate.read()
        if text == manifest_hash:
            found.setdefault("manifest_hash", candidate)
        elif _is_manifest(text, export_id):
            found.setdefault("manifest", candidate)
    return found


def _is_manifest(text: str | None, export_id: str) -> bool:
    try:
        document = json.loads(text or "", object_pairs_hook=by_value)
    except ValueError:
        return False
    return isinstance(document, dict) and document.get("export_id") == export_id
