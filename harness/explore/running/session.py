"""A connection whose statements can be left running while others work."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import psycopg
from psycopg import pq

from harness.explore.running.sql_errors import sql_error
from harness.explore.trace import SqlError

CONNECT_TIMEOUT_S = 10
_VOID = 2278
"""The oid of the type `void`, the same on every server."""

_SETTINGS = {
    # A harness that is frozen in the middle must not hold locks for ever.
    "idle_in_transaction_session_timeout": "30s",
    "statement_timeout": "15s",
    "client_min_messages": "error",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The result of one statement, all values as text."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    affected: int | None
    """How many rows a statement without result columns changed."""
    is_void: bool = False
    """Whether its first column is of type `void`: a function that returns nothing."""

    def column(self, name: str) -> int | None:
        """The place of a column; None when there is no such column."""
        return self.columns.index(name) if name in self.columns else None


@dataclass(frozen=True, kw_only=True, slots=True)
class SqlResults:
    """The results of a text of one or more statements."""

    results: tuple[Result, ...]
    error: SqlError | None = None

    @property
    def tables(self) -> tuple[Result, ...]:
        """Those results that have columns."""
        return tuple(result for result in self.results if result.columns)


class SessionLostError(Exception):
    """The server ended the connection."""


class Session:
    """One connection: a text of statements at a time, sent without waiting for its end."""

    def __init__(self, name: str, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        self.name = name
        self.pid = connection.info.backend_pid
        self.in_transaction = False
        self._connection = connection
        self._pg = connection.pgconn
        self._results: list[Result] = []
        self._error: SqlError | None = None
        self._sent = ""
        self.running: asyncio.Future[SqlResults] | None = None
        """The latest text of statements; done when it has ended."""
        self.ended_at = 0
        """When the latest text ended, in nanoseconds of a clock that only goes forward."""
        self._loop = asyncio.get_running_loop()
        self._socket = self._pg.socket  # libpq forgets it when the connection is lost
        self._loop.add_reader(self._socket, self._read)

    @classmethod
    async def open(cls, dsn: str, name: str) -> Self:
        """Connect; raises `psycopg.OperationalError`."""
        connection = await psycopg.AsyncConnection.connect(
            dsn,
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_S,
            client_encoding="utf8",
            application_name=f"shakedown explore {name}",
        )
        session = cls(name, connection)
        await session.run(
            "; ".join(f"SET {setting} = '{value}'" for setting, value in _SETTINGS.items())
        )
        return session

    @property
    def busy(self) -> bool:
        """Whether a text is under way."""
        return self.running is not None and not self.running.done()

    def send(self, sql: str) -> asyncio.Future[SqlResults]:
        """Send a text of statements; several without a BEGIN are one transaction."""
        if self.busy:
            raise RuntimeError(f"{self.name} is busy")
        self._results, self._error, self._sent = [], None, sql
        self.running = self._loop.create_future()
        try:
            self._pg.send_query(sql.encode())
            self._flush()
        except psycopg.OperationalError as error:
            self.running.set_exception(SessionLostError(f"{self.name}: {error}"))
        return self.running

    def answer(self) -> SqlResults:
        """Give the results of the latest text, which must have ended; raises `SessionLostError`."""
        assert self.running is not None
        return self.running.result()

    async def run(self, sql: str) -> SqlResults:
        """Send a text and wait for its end, after that of the one before."""
        if self.running is not None and not self.running.done():
            await asyncio.wait([self.running])
        # A caller that is canceled must not cancel what the connection is doing.
        return await asyncio.shield(self.send(sql))

    async def close(self) -> None:
        """Close the connection. What it still runs is for `end_sessions` to end."""
        self._loop.remove_reader(self._socket)
        if self.running is not None:
            self.running.cancel()
        await self._connection.close()

    def _flush(self) -> None:
        if self._pg.flush():  # the kernel's buffer is full: the rest goes when there is room
            self._loop.add_writer(self._socket, self._write)

    def _write(self) -> None:
        if not self._pg.flush():
            self._loop.remove_writer(self._socket)

    def _read(self) -> None:
        try:
            self._pg.consume_input()
            while self.busy and not self._pg.is_busy():
                result = self._pg.get_result()
                if result is None:
                    self._conclude()
                    return
                self._take(result)
        except psycopg.OperationalError as error:
            self._loop.remove_reader(self._socket)
            if self.running is not None and not self.running.done():
                self.running.set_exception(SessionLostError(f"{self.name}: {error}"))

    def _conclude(self) -> None:
        assert self.running is not None
        self.ended_at = time.monotonic_ns()
        self.in_transaction = self._pg.transaction_status != pq.TransactionStatus.IDLE
        self.running.set_result(SqlResults(results=tuple(self._results), error=self._error))

    def _take(self, result: "pq.abc.PGresult") -> None:
        if result.status == pq.ExecStatus.FATAL_ERROR:
            self._error = sql_error(result, self._sent)
            return
        self._results.append(
            Result(
                columns=tuple(_text(result.fname(n)) for n in range(result.nfields)),
                rows=tuple(
                    tuple(
                        None if (value := result.get_value(row, column)) is None else value.decode()
                        for column in range(result.nfields)
                    )
                    for row in range(result.ntuples)
                ),
                affected=result.command_tuples,
                is_void=result.nfields > 0 and result.ftype(0) == _VOID,
            )
        )


async def end_sessions(observer: Session, sessions: Sequence[Session]) -> None:
    """End the server's side of sessions, also of those that wait, then close them."""
    if sessions:
        pids = ", ".join(str(session.pid) for session in sessions)
        # Where the server is gone, theirs are gone with it.
        with contextlib.suppress(SessionLostError):
            await observer.run(f"SELECT pg_terminate_backend(unnest(ARRAY[{pids}]))")
    for session in sessions:
        await session.close()


def _text(value: bytes | None) -> str:
    return (value or b"").decode(errors="replace")
