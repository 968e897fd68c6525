"""Reading the database of the system under test, for what no answer over HTTP can show."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row

from harness.errors import Inconclusive

Row = dict[str, Any]
Parameters = Sequence[object] | Mapping[str, object] | None

STATEMENT_TIMEOUT_S = 15
CONNECT_TIMEOUT_S = 5

NO_CONTROL = (
    "this check changes the database as its superuser, and the target gives no such access; "
    '[database] source = "embedded" or "docker" gives it'
)


class Database:
    """One system's database. Unless `writable`, every transaction is read only.

    What cannot be read (no such table, no access, no server) is `Inconclusive`: the checks
    that read it have not looked, which is neither a pass nor the backend's failure.
    """

    def __init__(self, url: str, *, writable: bool = False) -> None:
        self._url = url
        self.writable = writable
        self._connection: AsyncConnection[DictRow] | None = None
        self._opening = asyncio.Lock()

    async def fetch(self, sql: str, parameters: Parameters = None) -> list[Row]:
        """Run a statement and give its rows, none for one that gives no rows."""
        connection = await self._shared()
        try:
            cursor = await connection.execute(sql, parameters)
            return await cursor.fetchall() if cursor.description else []
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
            raise Inconclusive(
                f"this check reads something that the database does not have: {_first_line(error)}"
            ) from error
        except psycopg.errors.InsufficientPrivilege as error:
            raise Inconclusive(
                f"the database role may not read what this check reads: {_first_line(error)}"
            ) from error
        except psycopg.errors.QueryCanceled as error:
            raise Inconclusive(
                f"a query of this check took longer than {STATEMENT_TIMEOUT_S} s: "
                f"{' '.join(sql.split())[:120]}"
            ) from error

    async def fetch_one(self, sql: str, parameters: Parameters = None) -> Row:
        """Run a statement that gives exactly one row."""
        rows = await self.fetch(sql, parameters)
        if len(rows) != 1:
            raise Inconclusive(f"{len(rows)} rows instead of one from: {' '.join(sql.split())}")
        return rows[0]

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection[DictRow]]:
        """A connection of its own, for what needs a transaction, a role or a lock."""
        connection = await self._open()
        try:
            yield connection
        finally:
            await connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the shared connection."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _shared(self) -> AsyncConnection[DictRow]:
        async with self._opening:
            if self._connection is None or self._connection.closed:
                self._connection = await self._open()
            return self._connection

    async def _open(self) -> AsyncConnection[DictRow]:
        settings = f"-c statement_timeout={STATEMENT_TIMEOUT_S}s -c bytea_output=hex"
        if not self.writable:
            settings += " -c default_transaction_read_only=on"
        try:
            return await AsyncConnection.connect(
                self._url,
                autocommit=True,
                row_factory=dict_row,
                connect_timeout=CONNECT_TIMEOUT_S,
                application_name="shakedown",
                options=settings,
            )
        except psycopg.OperationalError as error:
            raise Inconclusive(
                f"no connection to the database of the system under test: {_first_line(error)}"
            ) from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


@asynccontextmanager
async def database_at(url: str | None, *, writable: bool = False) -> AsyncIterator[Database | None]:
    """Open a database, and close it at the end of the block; None where there is no URL."""
    if url is None:
        yield None
        return
    async with Database(url, writable=writable) as database:
        yield database
