"""Rewriting rows of a ledger as a superuser, past its triggers, and restoring them.

Other sessions keep every trigger: a backend whose own triggers number or hash what it writes goes
on to work.
"""

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow

from contracts.shared.ledger.hash_chain import StoredEvent
from contracts.shared.resources.past_triggers import past_triggers
from harness.database import Database
from harness.errors import Inconclusive
from harness.evidence import Evidence, query_evidence
from harness.target.models import Ledger

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
                "SELECT quote_ident(attname) AS name FROM pg_attribute "
                "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
                "AND attgenerated = '' ORDER BY attnum",
                [ledger.table],
            )
            columns = [str(row["name"]) for row in await cursor.fetchall()]
        except psycopg.Error as error:
            raise Inconclusive(
                f"not even a superuser can change the ledger past its triggers: {error}"
            ) from error
        yield LedgerEditor(connection=connection, ledger=ledger, columns=columns)


@dataclass(frozen=True, kw_only=True)
class LedgerEditor:
    """Changes rows of a ledger past its triggers, and shows what it did as evidence.

    Columns have the contract's names.
    """

    connection: AsyncConnection[DictRow]
    ledger: Ledger
    columns: Sequence[str]
    """The backend's names of all columns that can be written."""

    async def save(self) -> None:
        """Copy all rows as they are now, for `restore`."""
        await self.connection.execute(f"DROP TABLE IF EXISTS {SAVED}".encode())
        await self.connection.execute(
            f"CREATE UNLOGGED TABLE {SAVED} AS TABLE {self.ledger.table}".encode()
        )

    async def shift(self, event: StoredEvent, interval: str) -> Evidence:
        """Add an SQL interval to the time of one row."""
        column = self.ledger.columns.created_at
        await self._edit(
            f"UPDATE {{table}} SET {column} = {column} + %(interval)s::interval WHERE {{row}}",  # noqa: S608
            event,
            {"interval": interval},
        )
        return self._shown(f"{column} = {column} + interval '{interval}'", event)

    async def change(self, event: StoredEvent, changes: Mapping[str, str | int | None]) -> Evidence:
        """Set columns of one row to other values, written as text."""
        named = self.ledger.columns
        sets = ", ".join(f"{getattr(named, name)} = %({name})s" for name in changes)
        await self._edit(f"UPDATE {{table}} SET {sets} WHERE {{row}}", event, changes)  # noqa: S608
        return self._shown(
            ", ".join(f"{getattr(named, name)} = {value!r}" for name, value in changes.items()),
            event,
        )

    async def remove(self, event: StoredEvent) -> Evidence:
        """Delete one row."""
        await self._edit("DELETE FROM {table} WHERE {row}", event)
        return self._shown("", event)

    async def swap(self, one: StoredEvent, other: StoredEvent) -> Evidence:
        """Exchange the numbers of two rows, and change nothing else."""
        aside = replace(one, ledger_seq=one.ledger_seq + 1_000_000)
        await self.change(one, {"ledger_seq": aside.ledger_seq})
        await self.change(other, {"ledger_seq": one.ledger_seq})
        await self.change(aside, {"ledger_seq": other.ledger_seq})
        seq = self.ledger.columns.ledger_seq
        return self._shown(f"{seq} = {other.ledger_seq}, and the other one's the reverse", one)

    async def restore(self, organization_id: str) -> None:
        """Restore an organization's rows as they were saved."""
        rows = f"{self.ledger.columns.organization_id} = %(organization)s::uuid"
        columns, parameters = ", ".join(self.columns), {"organization": organization_id}
        async with self.connection.transaction():
            await self._execute(f"DELETE FROM {self.ledger.table} WHERE {rows}", parameters)  # noqa: S608
            await self._execute(
                f"INSERT INTO {self.ledger.table} ({columns}) OVERRIDING SYSTEM VALUE "  # noqa: S608
                f"SELECT {columns} FROM {SAVED} WHERE {rows}",
                parameters,
            )

    async def extend(
        self, chain: Sequence[StoredEvent], length: int, salts: Mapping[str, str]
    ) -> None:
        """Extend a valid chain to `length` events by copies of its last one, with valid hashes."""
        last = previous = chain[-1]
        copies: dict[str, list[object]] = {"ids": [], "seqs": [], "links": [], "hashes": []}
        for seq in range(last.ledger_seq + 1, length + 1):
            event = replace(last, ledger_seq=seq, prev_hash=previous.hash)
            previous = replace(event, hash=event.expected_hash(salts))
            copies["ids"].append(str(uuid.uuid4()))
            copies["seqs"].append(seq)
            copies["links"].append(previous.prev_hash)
            copies["hashes"].append(previous.hash)
        named = self.ledger.columns
        new = {
            named.id: "new_id",
            named.ledger_seq: "new_seq",
            named.prev_hash: "new_link",
            named.hash: "new_hash",
        }
        values = ", ".join(new.get(column, f"old.{column}") for column in self.columns)
        await self._edit(
            f"INSERT INTO {{table}} ({', '.join(self.columns)}) OVERRIDING SYSTEM VALUE "  # noqa: S608
            f"SELECT {values} FROM {{table}} AS old, unnest(%(ids)s::uuid[], "
            "%(seqs)s::bigint[], %(links)s::text[], %(hashes)s::text[]) "
            "AS new (new_id, new_seq, new_link, new_hash) WHERE {row}",
            last,
            copies,
        )

    def _shown(self, sets: str, event: StoredEvent) -> Evidence:
        """Show what was done to a row: `sets`, or its deletion."""
        named, table = self.ledger.columns, self.ledger.table
        done = f"UPDATE {table} SET {sets}" if sets else f"DELETE FROM {table}"  # noqa: S608
        return query_evidence(
            "what was changed in the ledger, past its triggers",
            f"{done} WHERE {named.organization_id} = '{event.fields['organization_id']}' "
            f"AND {named.ledger_seq} = {event.ledger_seq}",
        )

    async def _edit(
        self, statement: str, event: StoredEvent, parameters: Mapping[str, object] | None = None
    ) -> None:
        """Run a statement on `{table}` where `{row}`, the row of this event."""
        named = self.ledger.columns
        row = f"{named.organization_id} = %(of)s::uuid AND {named.ledger_seq} = %(at)s"
        key = {"of": event.fields["organization_id"], "at": event.ledger_seq}
        await self._execute(
            statement.format(table=self.ledger.table, row=row), {**(parameters or {}), **key}
        )

    async def _execute(self, statement: str, parameters: Mapping[str, object]) -> None:
        try:
            async with past_triggers(self.connection, self.ledger.table):
                done = await self.connection.execute(statement.encode(), parameters)
        except psycopg.Error as error:
            raise Inconclusive(f"could not tamper with the ledger: {error}") from error
        if done.rowcount == 0:
            raise Inconclusive(f"no row to tamper with for {statement[:80]}")
