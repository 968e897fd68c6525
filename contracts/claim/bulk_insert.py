"""Inserting thousands of exports at once: copies of one that the backend made itself."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg import AsyncConnection, sql

from harness.database import Database
from harness.errors import Inconclusive
from harness.target.sql.export_table import ExportTable

_COLUMNS = """
SELECT a.attname AS name, format_type(a.atttypid, NULL) AS type, (
    SELECT COALESCE(array_agg(i.indexrelid::oid), '{}')
    FROM pg_index AS i
    WHERE i.indrelid = a.attrelid AND i.indisunique AND a.attnum = ANY (i.indkey)
) AS unique_indexes
FROM pg_attribute AS a
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
"""

_NEW_VALUES = {
    "uuid": "gen_random_uuid()",
    "bigint": "{column} + n",
    "integer": "{column} + n",
    "text": "{column} || '-' || n",
    "character varying": "{column} || '-' || n",
}
"""The value that makes a copy unique, by the type of the column; safer types come first."""


async def copy_export(
    database: Database,
    table: ExportTable,
    export_id: str,
    *,
    count: int,
    organizations: Sequence[str],
    later_us: int,
) -> None:
    """Insert copies of an export, spread over `organizations`, each with a job of its own.

    The nth copy is created `n * later_us` microseconds after the original. Triggers do not fire
    and foreign keys are not checked. `Inconclusive` where a constraint refuses the copies.
    """
    async with database.connect() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        columns, values = await _copied(connection, table)
        try:
            await connection.execute(
                sql.SQL(
                    "INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {values} "
                    "FROM {table} AS e, generate_series(1, %(count)s) AS n "
                    "WHERE e.{id}::text = %(export_id)s"
                ).format(
                    table=sql.SQL(table.name),
                    id=sql.SQL(table.id),
                    columns=columns,
                    values=values,
                ),
                {
                    "count": count,
                    "export_id": export_id,
                    "organizations": list(organizations),
                    "later_us": later_us,
                },
            )
        except psycopg.Error as error:
            raise Inconclusive(
                f"could not insert copies of a row of {table.claim.table}: {error}"
            ) from error


async def _copied(
    connection: AsyncConnection[Any], table: ExportTable
) -> tuple[sql.Composable, sql.Composable]:
    """The columns of a table, and the value of each in the nth copy."""
    cursor = await connection.execute(_COLUMNS, [table.name])
    columns = await cursor.fetchall()
    organization = "(%(organizations)s::text[])[1 + n %% cardinality(%(organizations)s::text[])]"
    types = {column["name"]: column["type"] for column in columns}
    tenant, created_at = table.claim.column("organization_id"), table.claim.column("created_at")
    if missing := sorted({tenant, created_at} - types.keys()):
        raise Inconclusive(f"{table.claim.table} has no {', '.join(missing)} ([claim.columns])")
    forms = {name: _NEW_VALUES[types[name]] for name in _made_unique(columns, tenant)} | {
        tenant: f"({organization})::{types[tenant]}",
        created_at: "{column} + n * %(later_us)s::bigint * interval '1 microsecond'",
    }
    values = [
        sql.SQL(forms.get(name, "{column}")).format(column=sql.Identifier("e", name))
        for name in types
    ]
    names = [sql.Identifier(name) for name in types]
    return sql.SQL(", ").join(names), sql.SQL(", ").join(values)


def _made_unique(columns: Sequence[Mapping[str, Any]], tenant: str) -> set[str]:
    """One column of each unique index: changing it makes copies unique."""
    changed: set[str] = set()
    covered: set[int] = set()
    for kind in _NEW_VALUES:
        for column in columns:
            is_ours = column["type"] == kind and column["name"] != tenant
            if is_ours and not covered.issuperset(column["unique_indexes"]):
                changed.add(column["name"])
                covered |= set(column["unique_indexes"])
    return changed
