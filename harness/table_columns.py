"""The columns of a table, by PostgreSQL's catalog."""

from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row

_COLUMNS = """
SELECT attname AS name, NOT attnotnull AS is_nullable
FROM pg_attribute
WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
ORDER BY attnum
"""


@dataclass(frozen=True, kw_only=True)
class TableColumn:
    """One column of a table."""

    name: str
    is_nullable: bool


async def table_columns(connection: AsyncConnection[Any], table: str) -> list[TableColumn]:
    """Give the columns of a table in their order, none where there is no such table.

    `table` is an SQL name: quoted where it needs to be.
    """
    async with connection.cursor(row_factory=class_row(TableColumn)) as cursor:
        await cursor.execute(_COLUMNS, [table])
        return await cursor.fetchall()
