"""Connections: requests act as their user under row security, the server's own work does not."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool

Connection = psycopg.Connection[DictRow]

BECOME_USER = "SET LOCAL ROLE authenticated"
SET_CLAIMS = "SELECT set_config('request.jwt.claims', %s, true)"
_POOL_SIZE = 8
_POOL_WAIT_S = 5.0


class Database:
    """A pool of connections."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool

    @classmethod
    def open(cls, url: str) -> Self:
        """Connect in the background: nothing waits here for a database that is away."""
        pool = ConnectionPool(
            url,
            connection_class=Connection,
            kwargs={"row_factory": dict_row, "connect_timeout": 5},
            min_size=1,
            max_size=_POOL_SIZE,
            timeout=_POOL_WAIT_S,
            check=ConnectionPool.check_connection,
            open=True,
        )
        return cls(pool)

    def close(self) -> None:
        """Close all connections."""
        self._pool.close(timeout=1)

    @contextmanager
    def as_user(self, claims: dict[str, Any]) -> Iterator[Connection]:
        """A transaction of the user whom a token's claims name."""
        with self._pool.connection() as connection, connection.transaction():
            connection.execute(BECOME_USER)
            connection.execute(SET_CLAIMS, [json.dumps(claims)])
            yield connection

    @contextmanager
    def as_service(self) -> Iterator[Connection]:
        """A transaction of the server itself, which sees all organizations."""
        with self._pool.connection() as connection, connection.transaction():
            connection.execute("SET LOCAL ROLE service_role")
            yield connection
