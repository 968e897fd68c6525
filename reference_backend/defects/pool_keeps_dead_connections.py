"""A pool of one's own: connections are opened once, taken and put back."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from psycopg import AsyncConnection, Error
from psycopg.rows import dict_row

from reference_backend import database
from reference_backend.api import context
from reference_backend.database import Connection, DatabaseUnavailable, Pool, Role
from reference_backend.defects import Defect

_free: list[Connection] = []


@asynccontextmanager
async def _pooled_transaction(
    pool: Pool, role: Role, claims: str, timeout_s: float | None
) -> AsyncIterator[Connection]:
    try:
        async with asyncio.timeout(pool.timeout if timeout_s is None else timeout_s):
            connection = (
                _free.pop()
                if _free
                else await AsyncConnection.connect(str(pool.conninfo), row_factory=dict_row)
            )
            try:
                await database.fetch_one(connection, "set_identity", role=role, claims=claims)
                yield connection
                await connection.commit()
            except BaseException:
                if not connection.closed:
                    await connection.rollback()
                raise
            finally:
                _free.append(connection)
    except (Error, TimeoutError) as error:
        raise DatabaseUnavailable(f"the database did not answer: {error!r}") from error


def _tenant_transaction(
    pool: Pool, claims: Mapping[str, Any], *, timeout_s: float | None = None
) -> AbstractAsyncContextManager[Connection]:
    return _pooled_transaction(pool, "authenticated", json.dumps(dict(claims)), timeout_s)


def _patch() -> None:
    vars(context)["tenant_transaction"] = _tenant_transaction


DEFECT = Defect(
    title="A connection that died in an outage goes back into the pool, and is handed out for ever",
    source="R9: pools that do not look at what they hand out",
    expected=("chaos.database-restart",),
    patch=_patch,
)
