"""Rewriting a ledger's rows as nobody but a superuser can, and putting them back."""

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Self

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow

from contracts.shared.ledger.hash_chain import StoredEvent
from harness.database import Database
from harness.errors import Inconclusive
from harness.target.models import Ledger

KEPT = "shakedown_kept_ledger"


class LedgerEditor:
    """Works on the ledger of one's own system: its protection is switched off for good.

    Columns go by their names in the contract.
    """

    def __init__(
        self, connection: AsyncConnection[DictRow], ledger: Ledger, columns: Sequence[str]
    ) -> None:
        self._connection = connection
        self._table = ledger.table
        self._named = ledger.columns
        self._columns = columns

    @classmethod
    @asynccontextmanager
    async def open(cls, database: Database, ledger: Ledger) -> AsyncIterator[Self]:
        """Switch off what protects the table. `Inconclusive` where not even a superuser may."""
        async with database.connect() as connection:
            try:
                await connection.execute("SET session_replication_role = replica")
                await connection.execute(f"ALTER TABLE {ledger.table} DISABLE TRIGGER ALL")
                found = await connection.execute(
                    "SELECT quote_ident(attname) AS name FROM pg_attribute "
                    "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
                    "AND attgenerated = '' ORDER BY attnum",
                    [ledger.table],
                )
                columns = [str(row["name"]) for row in await found.fetchall()]
            except psycopg.Error as error:
                raise Inconclusive(
                    f"the ledger cannot be tampered with, not even by a superuser: {error}"
                ) from error
            yield cls(connection, ledger, columns)

    async def keep(self) -> None:
        """Copy all rows as they are now, for `restore`."""
        await self._connection.execute(f"DROP TABLE IF EXISTS {KEPT}".encode())
        await self._connection.execute(
            f"CREATE UNLOGGED TABLE {KEPT} AS TABLE {self._table}".encode()
        )

    async def shift(self, event: StoredEvent, interval: str) -> None:
        """Move the time of one row, by an interval as SQL writes it."""
        column = self._named.created_at
        await self._execute(
            f"UPDATE {self._table} SET {column} = {column} + %(interval)s::interval "  # noqa: S608
            f"WHERE {self._is_that_row()}",
            {"interval": interval, **_key(event)},
        )

    async def change(self, event: StoredEvent, changes: Mapping[str, str | int | None]) -> None:
        """Give columns of one row other values, written as text."""
        sets = ", ".join(f"{getattr(self._named, name)} = %({name})s" for name in changes)
        await self._execute(
            f"UPDATE {self._table} SET {sets} WHERE {self._is_that_row()}",  # noqa: S608
            {**changes, **_key(event)},
        )

    async def remove(self, event: StoredEvent) -> None:
        """Delete one row."""
        await self._execute(
            f"DELETE FROM {self._table} WHERE {self._is_that_row()}",  # noqa: S608
            _key(event),
        )

    async def swap(self, one: StoredEvent, other: StoredEvent) -> None:
        """Let two rows change places: their numbers, and nothing else."""
        aside = replace(one, ledger_seq=one.ledger_seq + 1_000_000)
        await self.change(one, {"ledger_seq": aside.ledger_seq})
        await self.change(other, {"ledger_seq": one.ledger_seq})
        await self.change(aside, {"ledger_seq": other.ledger_seq})

    async def restore(self, organization_id: str) -> None:
        """Put an organization's rows back as they were kept."""
        mine = f"{self._named.organization_id} = %(organization)s::uuid"
        columns, parameters = ", ".join(self._columns), {"organization": organization_id}
        async with self._connection.transaction():
            await self._execute(f"DELETE FROM {self._table} WHERE {mine}", parameters)  # noqa: S608
            await self._execute(
                f"INSERT INTO {self._table} ({columns}) OVERRIDING SYSTEM VALUE "  # noqa: S608
                f"SELECT {columns} FROM {KEPT} WHERE {mine}",
                parameters,
            )

    async def extend(
        self, chain: Sequence[StoredEvent], length: int, salts: Mapping[str, str]
    ) -> None:
        """Make a sound chain `length` events long, with copies of its last event.

        Everything is copied but id, number and links; the hashes are right.
        """
        last = previous = chain[-1]
        copies: dict[str, list[object]] = {"ids": [], "seqs": [], "links": [], "hashes": []}
        for seq in range(last.ledger_seq + 1, length + 1):
            event = replace(last, ledger_seq=seq, prev_hash=previous.hash)
            previous = replace(event, hash=event.expected_hash(salts))
            copies["ids"].append(str(uuid.uuid4()))
            copies["seqs"].append(seq)
            copies["links"].append(previous.prev_hash)
            copies["hashes"].append(previous.hash)
        named = self._named
        new = {
            named.id: "new.id",
            named.ledger_seq: "new.seq",
            named.prev_hash: "new.link",
            named.hash: "new.hash",
        }
        values = ", ".join(new.get(column, f"old.{column}") for column in self._columns)
        await self._execute(
            f"INSERT INTO {self._table} ({', '.join(self._columns)}) OVERRIDING SYSTEM VALUE "  # noqa: S608
            f"SELECT {values} FROM {self._table} AS old, unnest(%(ids)s::uuid[], "
            "%(seqs)s::bigint[], %(links)s::text[], %(hashes)s::text[]) "
            f"AS new (id, seq, link, hash) WHERE {self._is_that_row('old.')}",
            {**copies, **_key(last)},
        )

    def _is_that_row(self, of: str = "") -> str:
        return (
            f"{of}{self._named.organization_id} = %(organization)s::uuid "
            f"AND {of}{self._named.ledger_seq} = %(seq)s"
        )

    async def _execute(self, statement: str, parameters: Mapping[str, object]) -> None:
        try:
            done = await self._connection.execute(statement.encode(), parameters)
        except psycopg.Error as error:
            raise Inconclusive(f"the ledger could not be tampered with: {error}") from error
        if done.rowcount == 0:
            raise Inconclusive(f"there was nothing to tamper with for {statement[:80]}")


def _key(event: StoredEvent) -> dict[str, object]:
    return {"organization": event.fields["organization_id"], "seq": event.ledger_seq}
