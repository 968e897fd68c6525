"""Every SQL statement that rewrites existing rows of a table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from harness.database import Database
from harness.target.sql.ledger_table import LedgerTable
from harness.target.tables.ledger import Ledger

_OTHER_VALUE = {
    "uuid": "gen_random_uuid()",
    "text": "{column} || 'x'",
    "character varying": "{column} || 'x'",
    "jsonb": """COALESCE({column}, '{{}}') || '{{"forged": true}}'""",
    "json": """'{{"forged": true}}'""",
    "timestamp with time zone": "{column} + interval '1 hour'",
    "bigint": "{column} + 1000000",
    "integer": "{column} + 1000000",
    "smallint": "{column} + 1",
}
"""Another value for a column, by its type."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement that would rewrite rows."""

    name: str
    sql: str


@dataclass(frozen=True, kw_only=True)
class AppendOnlyTable:
    """The ledger's table by the catalog, with quoted names."""

    name: str
    hash_column: str
    columns: Mapping[str, str]
    """Type by column, without generated columns."""
    key: tuple[str, ...]
    """The columns of its primary key, if it has one."""
    parts: tuple[str, ...]
    """Its partitions, or tables that inherit from it."""
    parents: tuple[str, ...]
    """Tables that its foreign keys reference: a deletion there may cascade."""

    @classmethod
    async def read(cls, database: Database, ledger: Ledger) -> Self:
        """Read it from the catalog."""

        async def names(query: str) -> tuple[str, ...]:
            rows = await database.fetch(query, [ledger.table])
            return tuple(row["name"] for row in rows)

        columns = await database.fetch(
            "SELECT quote_ident(attname) AS name, format_type(atttypid, NULL) AS type "
            "FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
            "AND NOT attisdropped AND attgenerated = '' AND attidentity <> 'a' ORDER BY attnum",
            [ledger.table],
        )
        return cls(
            name=ledger.table,
            hash_column=LedgerTable(ledger).column("hash"),
            columns={row["name"]: row["type"] for row in columns},
            key=await names(
                "SELECT quote_ident(attname) AS name FROM pg_index JOIN pg_attribute "
                "ON attrelid = indrelid AND attnum = ANY (indkey) "
                "WHERE indrelid = %s::regclass AND indisprimary"
            ),
            parts=await names(
                "SELECT inhrelid::regclass::text AS name FROM pg_inherits "
                "WHERE inhparent = %s::regclass"
            ),
            parents=await names(
                "SELECT DISTINCT confrelid::regclass::text AS name FROM pg_constraint "
                "WHERE contype = 'f' AND conrelid = %s::regclass AND confrelid <> conrelid"
            ),
        )

    def statements(self, rows: str) -> Iterator[Statement]:
        """Give the statements; `rows` is the SQL condition of the rows that they may change.

        TRUNCATE has no condition: it must be rolled back.
        """
        for column in self.columns:
            if (value := self._other_value(column)) is not None:
                yield Statement(
                    name=f"UPDATE {column}",
                    sql=f"UPDATE {self.name} SET {column} = {value} WHERE {rows}",  # noqa: S608
                )
        for table in (self.name, *self.parts):
            of = "" if table == self.name else f" {table}"
            yield Statement(name=f"DELETE{of}", sql=f"DELETE FROM {table} WHERE {rows}")  # noqa: S608
            yield Statement(name=f"TRUNCATE{of}", sql=f"TRUNCATE {table}")
        for table in (self.name, *self.parents):
            of = "" if table == self.name else f" {table}"
            yield Statement(name=f"TRUNCATE{of} CASCADE", sql=f"TRUNCATE {table} CASCADE")
        if self.key:
            yield from self._indirect(rows)

    def _indirect(self, rows: str) -> Iterator[Statement]:
        """Statements that update or delete under another name."""
        names, key = ", ".join(self.columns), ", ".join(self.key)
        change = f"UPDATE SET {self.hash_column} = reverse(old.{self.hash_column})"
        yield Statement(
            name="INSERT ON CONFLICT DO UPDATE",
            sql=f"INSERT INTO {self.name} AS old ({names}) SELECT {names} FROM {self.name} "  # noqa: S608
            f"WHERE {rows} ON CONFLICT ({key}) DO {change}",
        )
        same = " AND ".join(f"old.{column} = row.{column}" for column in self.key)
        merge = (
            f"MERGE INTO {self.name} AS old USING (SELECT {key} FROM {self.name} WHERE {rows}) "  # noqa: S608
            f"AS row ON {same} WHEN MATCHED THEN"
        )
        yield Statement(name="MERGE UPDATE", sql=f"{merge} {change}")
        yield Statement(name="MERGE DELETE", sql=f"{merge} DELETE")

    def _other_value(self, column: str) -> str | None:
        if "hash" in column:
            # The same form, so that no CHECK of it refuses the statement.
            return f"reverse({column})"
        value = _OTHER_VALUE.get(self.columns[column])
        return None if value is None else value.format(column=column)
