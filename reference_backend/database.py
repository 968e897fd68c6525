"""Connections and transactions: who a statement runs as is decided here and nowhere else.

A request runs as ``authenticated`` with its claims, both set by ``SET LOCAL`` inside the
transaction, so that nothing of it is left on the connection when the pool hands it to somebody
else. What the service does on its own account (readiness, metrics, the worker) runs as
``service_role``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal, LiteralString, TypeAlias

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
CONNECTION_WAIT_S = 3.0
"""A request that gets no connection for so long is told to come back: its client waits as well."""


class DatabaseUnavailable(Exception):
    """The database could not be reached, or did not answer in time.

    Nothing was committed, unless the connection was lost during the commit itself: then nobody
    can tell, and whoever repeats must be idempotent.
    """


def connection_info(settings: Settings, *, role: Role | None = None) -> str:
    """DATABASE_URL with time limits on both ends, and ``role`` from the first moment on if given.

    A server that is gone is noticed by keepalives; a session whose client is gone or frozen inside
    a transaction is ended by the server, so that its locks do not outlive it for long.
    """
    timeout_ms = int(settings.db_timeout_s * 1000)
    options = [
        str(conninfo_to_dict(settings.database_url).get("options") or ""),
        f"-c statement_timeout={timeout_ms}",
        f"-c idle_in_transaction_session_timeout={timeout_ms}",
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
    """A closed pool; ``async with pool:`` opens it. It does not wait for the database."""
    return AsyncConnectionPool(
        connection_info(settings, role=role),
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
    with_errors = connection_info(settings, role=role)
    try:
        return await AsyncConnection.connect(with_errors, row_factory=dict_row, autocommit=True)
    except OperationalError as error:
        raise DatabaseUnavailable(f"cannot connect to the database: {error}") from error


@asynccontextmanager
async def tenant_transaction(
    pool: Pool, claims: Mapping[str, Any], *, timeout_s: float | None = None
) -> AsyncIterator[Connection]:
    """A transaction in the name of a request; ``claims`` are those of its verified token.

    Commits when left normally, rolls back otherwise. The whole of it, getting a connection
    included, must be done within ``timeout_s`` (default: the pool's timeout).
    Raises DatabaseUnavailable.
    """
    async with _transaction(
        pool, "authenticated", json.dumps(dict(claims)), timeout_s
    ) as connection:
        yield connection


@asynccontextmanager
async def service_transaction(
    pool: Pool, *, timeout_s: float | None = None
) -> AsyncIterator[Connection]:
    """As tenant_transaction, but for the service itself, which sees every organization."""
    async with _transaction(pool, "service_role", "", timeout_s) as connection:
        yield connection


async def call(
    pool: Pool,
    query: LiteralString,
    parameters: Mapping[str, Any],
    *,
    timeout_s: float | None = None,
) -> list[Row]:
    """One statement, one transaction, one round trip: for a pool in autocommit mode.

    Raises DatabaseUnavailable, and other psycopg errors as they are.
    """
    async with (
        _available(pool.timeout if timeout_s is None else timeout_s),
        _pooled(pool) as connection,
    ):
        cursor = await connection.execute(query, parameters)
        return await cursor.fetchall() if cursor.description else []


@asynccontextmanager
async def worker_transaction(pool: Pool) -> AsyncIterator[Connection]:
    """Several statements in one transaction, on a pool that has its role.

    Raises DatabaseUnavailable, and other psycopg errors as they are.
    """
    async with _available(pool.timeout), _pooled(pool) as connection, connection.transaction():
        yield connection


@asynccontextmanager
async def _pooled(pool: Pool) -> AsyncIterator[Connection]:
    """A connection of the pool. One found dead is a sign that the others are dead as well."""
    async with pool.connection() as connection:
        try:
            yield connection
        except (OperationalError, InterfaceError):
            if connection.closed:
                await pool.check()
            raise


@asynccontextmanager
async def _available(timeout_s: float) -> AsyncIterator[None]:
    """All the ways in which a database is not there, as one error."""
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

    After a restart of the database the pool is full of dead connections. Nothing has happened yet
    on this one, so the next is tried instead of failing the request.
    """
    for _ in range(pool.max_size + 1):
        connection = await pool.getconn(timeout=min(pool.timeout, CONNECTION_WAIT_S))
        try:
            await connection.execute(queries.load("set_identity"), {"role": role, "claims": claims})
        except BaseException as error:
            await pool.putconn(connection)
            if not (isinstance(error, OperationalError) and connection.broken):
                raise
        else:
            return connection
    raise DatabaseUnavailable("every connection of the pool was broken")
