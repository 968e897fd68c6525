"""A connection goes back to the pool after an error; being canceled by a timeout is none."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import Error

from reference_backend import database
from reference_backend.database import Connection, DatabaseUnavailable, Pool, Role
from reference_backend.defects import Defect


async def _begin(pool: Pool, role: Role, claims: str) -> Connection:
    for _ in range(pool.max_size + 1):
        connection = await pool.getconn(timeout=database.CONNECTION_WAIT_S)
        try:
            await database.fetch_one(connection, "set_identity", role=role, claims=claims)
        except Exception:
            await pool.putconn(connection)
            if not connection.broken:
                raise
        else:
            return connection
    raise DatabaseUnavailable("every connection of the pool was broken")


@asynccontextmanager
async def _transaction(
    pool: Pool, role: Role, claims: str, timeout_s: float | None
) -> AsyncIterator[Connection]:
    try:
        async with asyncio.timeout(pool.timeout if timeout_s is None else timeout_s):
            connection = await _begin(pool, role, claims)
            try:
                async with connection:
                    yield connection
            except Exception:
                await pool.putconn(connection)
                raise
            await pool.putconn(connection)
    except (Error, TimeoutError) as error:
        raise DatabaseUnavailable(f"the database did not answer: {error!r}") from error


def _patch() -> None:
    database._begin = _begin  # noqa: SLF001
    database._transaction = _transaction  # noqa: SLF001


DEFECT = Defect(
    title="A request that a hung database times out never gives its connection back: the pool is used up when the database answers again",
    source="known: `except Exception`, which does not catch asyncio.CancelledError",
    expected=("chaos.database-hangs",),
    patch=_patch,
)
