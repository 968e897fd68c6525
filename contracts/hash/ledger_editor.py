"""Rewriting rows of a ledger as a superuser, past its triggers, and restoring them.

Other sessions keep every trigger: a backend whose own triggers number or hash what it writes goes
on to work.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow

from contracts.shared.ledger.hash_chain import StoredEvent
from contracts.shared.ledger.stored_ledger import StoredLedger
from contracts.shared.resources.past_triggers import past_triggers
from harness.database import Database
from harness.errors import Inconclusive
from harness.evidence import Evidence, query_evidence
from harness.target.sql.ledger_table import LedgerTable, quoted
from harness.target.tables.ledger import Ledger

HASHES = ("hash", "prev_hash")
"""Columns with hashes."""

SAVED = "shakedown_saved_ledger"
"""The table that holds the saved rows."""


@asynccontextmanager
async def ledger_editor(database: Database, ledger: Ledger) -> AsyncIterator["LedgerEditor"]:
    """Open an editor: only for a system of one's own.

    `Inconclusive` where not even a superuser may pass the triggers.
    """
    async with database.connect() as connection:
        try:
            async with past_triggers(connection, ledger.table):
                pass
            cursor = await connection.execute(
                "SELECT attname AS name, format_type(atttypid, atttypmod) AS type, "
                "atthasdef OR attidentity <> '' AS has_default FROM pg_attribute "
                "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
                "AND attgenerated = '' ORDER BY attnum",
                [ledger.table],
            )
            found = await cursor.fetchall()
        except psycopg.Error as error:
            raise Inconclusive(
                f"not even a superuser can change the ledger past its triggers: {error}"
            ) from error
        yield LedgerEditor(
            connection=connection,
            ledger=ledger,
            columns={quoted(row["name"]): row["type"] for row in found},
            defaults=frozenset(quoted(row["name"]) for row in found if row["has_default"]),
        )


@dataclass(frozen=True, kw_only=True)
class LedgerEditor:
    """Changes rows of a ledger past its triggers, and shows what it did as evidence.

    Columns have the contract's names.
    """

    connection: AsyncConnection[DictRow]
    ledger: Ledger
    columns: Mapping[str, str]
    """Of all columns that can be written: the type by the backend's name, quoted."""
    defaults: frozenset[str] = frozenset()
    """Those of them that have a value when none is given."""

    @property
    def _table(self) -> LedgerTable:
        return LedgerTable(self.ledger)

    async def save(self) -> None:
        """Copy all rows as they are now, for `restore`."""
        await self.connection.execute(f"DROP TABLE IF EXISTS {SAVED}".encode())
        await self.connection.execute(
            f"CREATE UNLOGGED TABLE {SAVED} AS TABLE {self.ledger.table}".encode()
        )

    async def shift(self, event: StoredEvent, interval: str) -> Evidence:
        """Add an SQL interval to the time of one row."""
        column = self._table.column("created_at")
        await self._edit(
            f"UPDATE {{table}} SET {column} = {column} + %(interval)s::interval WHERE {{row}}",  # noqa: S608
            event,
            {"interval": interval},
        )
        return self._shown(f"{column} = {column} + interval '{interval}'", event)

    async def change(self, event: StoredEvent, changes: Mapping[str, str | int | None]) -> Evidence:
        """Set columns of one row to other values, written as text; hashes in hex."""
        table = self._table
        values = {
            name: event.stored(str(value)) if name in HASHES and value else value
            for name, value in changes.items()
        }
        sets = ", ".join(f"{table.column(name)} = %({name})s" for name in values)
        await self._edit(f"UPDATE {{table}} SET {sets} WHERE {{row}}", event, values)  # noqa: S608
        return self._shown(
            ", ".join(f"{table.column(name)} = {value!r}" for name, value in values.items()), event
        )

    async def remove(self, event: StoredEvent) -> Evidence:
        """Delete one row."""
        await self._edit("DELETE FROM {table} WHERE {row}", event)
        return self._shown("", event)

    async def swap(self, one: StoredEvent, other: StoredEvent) -> Evidence:
        """Exchange the places of two rows in the chain, and change nothing else."""
        if self.ledger.order_by:
            return await self._exchange(one, other, quoted(self.ledger.order_by[0]))
        await self.change(one, {"ledger_seq": one.ledger_seq + 1_000_000})
        await self.change(other, {"ledger_seq": one.ledger_seq})
        await self.change(one, {"ledger_seq": other.ledger_seq})
        seq = self._table.column("ledger_seq")
        return self._shown(f"{seq} = {other.ledger_seq}, and the other one's the reverse", one)

    async def _exchange(self, one: StoredEvent, other: StoredEvent, column: str) -> Evidence:
        """Exchange what two rows have in the column that orders them."""
        key, ids = self._table.column("id"), (one.id, other.id)
        await self._execute(
            f"UPDATE {self.ledger.table} AS own SET {column} = other.{column} "  # noqa: S608
            f"FROM {self.ledger.table} AS other WHERE own.{key}::text = ANY (%(ids)s) "
            f"AND other.{key}::text = ANY (%(ids)s) AND own.{key} <> other.{key}",
            {"ids": list(ids)},
        )
        return self._shown(f"{column} = that of {other.id}, and the other one's the reverse", one)

    async def restore(self, organization_id: str) -> None:
        """Restore an organization's rows as they were saved."""
        rows = self._table.of("organization")
        columns, parameters = ", ".join(self.columns), {"organization": organization_id}
        async with self.connection.transaction():
            await self._execute(f"DELETE FROM {self.ledger.table} WHERE {rows}", parameters)  # noqa: S608
            await self._execute(
                f"INSERT INTO {self.ledger.table} ({columns}) OVERRIDING SYSTEM VALUE "  # noqa: S608
                f"SELECT {columns} FROM {SAVED} WHERE {rows}",
                parameters,
            )

    async def extend(self, stored: StoredLedger, organization_id: str, length: int) -> None:
        """Extend a valid chain to `length` events by copies of its last one, with valid hashes."""
        chain = await stored.chain(organization_id)
        await self._append_copies(chain[-1], length - len(chain))
        previous, hashed = chain[-1], []
        for copy in (await stored.chain(organization_id))[len(chain) :]:
            linked = replace(copy, prev_hash=previous.hash)
            previous = replace(linked, hash=linked.expected_hash(stored.salts))
            hashed.append(previous)
        table, link, digest = self._table, *map(self._table.column, ("prev_hash", "hash"))
        await self._execute(
            f"UPDATE {table.name} AS own SET {link} = new.link::{self.columns[link]}, "  # noqa: S608
            f"{digest} = new.digest::{self.columns[digest]} FROM unnest("
            "%(ids)s::text[], %(links)s::text[], %(digests)s::text[]) AS new (id, link, digest) "
            f"WHERE own.{table.column('id')}::text = new.id",
            {
                "ids": [event.id for event in hashed],
                "links": [event.stored(event.prev_hash) for event in hashed],
                "digests": [event.stored(event.hash) for event in hashed],
            },
        )

    async def _append_copies(self, event: StoredEvent, count: int) -> None:
        """Append copies of an event, a millisecond after one another, each with some hash."""
        table, digest = self._table, self._table.column("hash")
        some = "%(prefix)s || encode(sha256(convert_to(copy::text, 'UTF8')), 'hex')"
        key, moment = table.column("id"), table.column("created_at")
        new = {
            key: "gen_random_uuid()",
            moment: f"old.{moment} + copy * interval '1 millisecond'",
            digest: f"({some})::{self.columns[digest]}",
        }
        if key in self.defaults:
            del new[key]
        if self.ledger.chain.is_numbered:
            number = table.column("ledger_seq")
            last = "SELECT max({number}) FROM {table} AS all_rows WHERE {numbered}"
            new[number] = f"({last.replace('{number}', number)}) + copy"
        columns = [each for each in self.columns if each != key or each in new]
        values = ", ".join(new.get(each, f"old.{each}") for each in columns)
        same = f"all_rows.{table.column('organization_id')} = old.{table.column('organization_id')}"
        numbered = "true" if self.ledger.sequence == "global" else same
        await self._edit(
            f"INSERT INTO {{table}} ({', '.join(columns)}) OVERRIDING SYSTEM VALUE "  # noqa: S608
            f"SELECT {values.replace('{numbered}', numbered)} "
            "FROM {table} AS old, generate_series(1, %(count)s) AS copy WHERE {row}",
            event,
            {"count": count, "prefix": event.hash_prefix},
        )

    def _shown(self, sets: str, event: StoredEvent) -> Evidence:
        """Show what was done to a row: `sets`, or its deletion."""
        table = self._table
        done = f"UPDATE {table.name} SET {sets}" if sets else f"DELETE FROM {table.name}"  # noqa: S608
        which = f"{table.column('id')} = '{event.id}'"
        return query_evidence(
            "what was changed in the ledger, past its triggers", f"{done} WHERE {which}"
        )

    async def _edit(
        self, statement: str, event: StoredEvent, parameters: Mapping[str, object] | None = None
    ) -> None:
        """Run a statement on `{table}` where `{row}`, the row of this event."""
        row = f"{self._table.column('id')} = %(at)s"
        await self._execute(
            statement.format(table=self.ledger.table, row=row),
            {**(parameters or {}), "at": event.id},
        )

    async def _execute(self, statement: str, parameters: Mapping[str, object]) -> None:
        try:
            async with past_triggers(self.connection, self.ledger.table):
                done = await self.connection.execute(statement.encode(), parameters)
        except psycopg.Error as error:
            raise Inconclusive(f"could not tamper with the ledger: {error}") from error
        if done.rowcount == 0:
            raise Inconclusive(f"no row to tamper with for {statement[:80]}")
