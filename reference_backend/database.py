"""Connections and transactions: the only place that decides which role a statement runs as.

A request runs as ``authenticated`` with its claims, both set by ``SET LOCAL`` inside the
transaction, so that nothing of it stays on the connection when the pool reuses it. The service
itself (readiness, metrics, the worker) runs as ``service_role``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Literal, TypeAlias

from psycopg import AsyncConnection, InterfaceError, OperationalError
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from reference_backend import queries
from reference_backend.settings import Settings

Connection: TypeAlias = AsyncConnection[DictRow]
Pool: TypeAlias = AsyncConnectionPool[Connection]
Row: TypeAlias = DictRow
Role = Literal["authenticated", "service_role"]

CONNECT_TIMEOUT_S = 5
CANCELED_WITHIN_S = 1.0
CONNECTION_WAIT_S = 3.0
"""A request that gets no connection for this long is refused; its client can try again."""


class DatabaseUnavailable(Exception):
    """The database could not be reached, or did not answer in time.

    Nothing was committed, unless the connection was lost during the commit itself: then the
    outcome is unknown, and a repetition must be idempotent.
    """


class ImpatientConnection(AsyncConnection[DictRow]):
    """Is closed when the server does not take the request to cancel a statement, either.

    Otherwise a request that a hung database has timed out would wait ten more seconds.
    """

    async def cancel_safe(self, *, timeout: float = CANCELED_WITHIN_S) -> None:
        """Ask the server to cancel the statement that runs; closes the connection on an error."""
        try:
            await super().cancel_safe(timeout=min(timeout, CANCELED_WITHIN_S))
        except Exception:
            await self.close()
            raise


def connection_info(settings: Settings, *, role: Role | None = None) -> str:
    """DATABASE_URL with time limits on both ends, and with ``role`` from the start if given.

    Keepalives detect a server that is gone. The server ends a session whose client is gone or
    frozen inside a transaction, so that its locks do not last much longer.
    """
    timeout_ms = int(settings.db_timeout_s * 1000)
    options = [
        str(conninfo_to_dict(settings.database_url).get("options") or ""),
        f"-c statement_timeout={timeout_ms}",
        f"-c idle_in_transaction_session_timeout={timeout_ms}",
        # The server ends a session whose client is cut off, and with it the locks that it holds.
        "-c tcp_keepalives_idle=3",
        "-c tcp_keepalives_interval=2",
        "-c tcp_keepalives_count=2",
        f"-c tcp_user_timeout={timeout_ms}",
        "-c timezone=UTC",
        "-c datestyle=ISO",
    ]
    if role:
        options.append(f"-c role={role}")
    return make_conninfo(
        settings.database_url,
        options=" ".join(options).strip(),
        connect_timeout=CONNECT_TIMEOUT_S,
        keepalives_idle=5,
        keepalives_interval=2,
        keepalives_count=3,
        tcp_user_timeout=timeout_ms,
    )


def create_pool(settings: Settings, *, role: Role | None = None, autocommit: bool = False) -> Pool:
    """A closed pool; ``async with pool:`` opens it without waiting for the database."""
    return AsyncConnectionPool(
        connection_info(settings, role=role),
        connection_class=ImpatientConnection,
        kwargs={"row_factory": dict_row, "autocommit": autocommit},
        min_size=1,
        max_size=settings.db_pool_size,
        timeout=settings.db_timeout_s,
        reconnect_timeout=settings.db_timeout_s,
        open=False,
        name="database",
    )


async def connect(settings: Settings, *, role: Role | None = None) -> Connection:
    """One connection outside of any pool, in autocommit mode; raises DatabaseUnavailable."""
    url = connection_info(settings, role=role)
    try:
        return await ImpatientConnection.connect(url, row_factory=dict_row, autocommit=True)
    except OperationalError as error:
        raise DatabaseUnavailable(f"cannot connect to the database: {error}") from error


def tenant_transaction(
    pool: Pool, claims: Mapping[str, Any], *, timeout_s: float | None = None
) -> AbstractAsyncContextManager[Connection]:
    """A transaction for a request; ``claims`` are those of its verified token.

    Commits when the block ends normally, rolls back otherwise. All of it, getting a connection
    included, must be done within ``timeout_s`` (default: the pool's timeout).
    Raises DatabaseUnavailable.
    """
    return _transaction(pool, "authenticated", json.dumps(dict(claims)), timeout_s)


def service_transaction(
    pool: Pool, *, timeout_s: float | None = None
) -> AbstractAsyncContextManager[Connection]:
    """As tenant_transaction, but for the service itself, which sees every organization."""
    return _transaction(pool, "service_role", "", timeout_s)


async def fetch_all(connection: Connection, query: str, **parameters: object) -> list[Row]:
    """All rows of ``queries/<query>.sql``; none of a statement that returns no rows."""
    cursor = await connection.execute(queries.load(query), parameters)
    return await cursor.fetchall() if cursor.description else []


async def fetch_one(connection: Connection, query: str, **parameters: object) -> Row | None:
    """The first row of ``queries/<query>.sql``, if there is one."""
    cursor = await connection.execute(queries.load(query), parameters)
    return await cursor.fetchone()


async def call(
    pool: Pool, query: str, *, timeout_s: float | None = None, **parameters: object
) -> list[Row]:
    """``queries/<query>.sql`` as one transaction and round trip, on a pool in autocommit mode.

    Raises DatabaseUnavailable; other psycopg errors pass through.
    """
    async with (
        _available(pool.timeout if timeout_s is None else timeout_s),
        _pooled(pool) as connection,
    ):
        return await fetch_all(connection, query, **parameters)


@asynccontextmanager
async def worker_transaction(pool: Pool) -> AsyncIterator[Connection]:
    """Several statements in one transaction, on a pool whose connections have their role.

    Raises DatabaseUnavailable; other psycopg errors pass through.
    """
    async with _available(pool.timeout), _pooled(pool) as connection, connection.transaction():
        yield connection


@asynccontextmanager
async def _pooled(pool: Pool) -> AsyncIterator[Connection]:
    """A connection of the pool. If it turns out to be closed, the others are checked as well."""
    async with pool.connection() as connection:
        try:
            yield connection
        except (OperationalError, InterfaceError):
            if connection.closed:
                await pool.check()
            raise


@asynccontextmanager
async def _available(timeout_s: float) -> AsyncIterator[None]:
    """Report every kind of outage as DatabaseUnavailable."""
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except (OperationalError, InterfaceError, TimeoutError) as error:
        raise DatabaseUnavailable(f"the database did not answer: {error!r}") from error


@asynccontextmanager
async def _transaction(
    pool: Pool, role: Role, claims: str, timeout_s: float | None
) -> AsyncIterator[Connection]:
    async with _available(pool.timeout if timeout_s is None else timeout_s):
        connection = await _begin(pool, role, claims)
        try:
            async with connection:  # commits or rolls back
                yield connection
        finally:
            await pool.putconn(connection)


async def _begin(pool: Pool, role: Role, claims: str) -> Connection:
    """A connection on which the transaction has begun.

    After a restart of the database the pool is full of dead connections. Nothing has been executed
    on this one yet, so the next one is tried instead of failing the request.
    """
    for _ in range(pool.max_size + 1):
        connection = await pool.getconn(timeout=min(pool.timeout, CONNECTION_WAIT_S))
        try:
            await fetch_one(connection, "set_identity", role=role, claims=claims)
        except BaseException as error:
            await pool.putconn(connection)
            if not (isinstance(error, OperationalError) and connection.broken):
                raise
        else:
            return connection
    raise DatabaseUnavailable("every connection of the pool was broken")
